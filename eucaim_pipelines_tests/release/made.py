"""Small releases of real files for tests: some tables, their CSV files, and images that are just bytes."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.csv as pacsv

from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.release.publication import Content, object_lists, publish
from eucaim_pipelines.release.store import ObjectStore

DATASET = "made"


@dataclass(frozen=True)
class Made:
    """Patients P0, P1, …, each with one study, one series and these images."""

    patients: int = 3
    images: int = 4
    size: int = 5_000
    remark: str = "first"

    def tables(self) -> dict[str, pa.Table]:
        who = [f"P{n}" for n in range(self.patients)]
        return {
            "dataset": pa.table({"dataset_id": [DATASET]}),
            "patient": pa.table(
                {"patient_id": who, "remark": ['a "quoted",\nbroken line', "", None, *who][: len(who)]}
            ),
            "episode": pa.table({"episode_id": [f"E{w}" for w in who], "patient_id": who}),
            "episode_event": pa.table({"episode_id": [f"E{w}" for w in who for _ in (0, 1)]}),
        }

    def publish(self, store: ObjectStore, tier: int = 3) -> Manifest:
        """Put images and release, as the pipeline does."""
        rows = [self._image(store, p, i) for p in range(self.patients) for i in range(self.images)]
        tables = self.tables()
        files = {f"clinical_data/{name}.csv": csv(table) for name, table in tables.items()}
        files["clinical_mandatory_view.csv"] = csv(tables["patient"])
        instances = pa.Table.from_pylist(rows)
        content = Content(
            dataset_id=DATASET,
            tier=tier,
            newest_export=datetime(2026, 3, 1, tzinfo=UTC),
            software="eucaim_pipelines 0",
            instances=instances,
            object_items=object_lists(DATASET, instances),
            tables={name: encode(table) for name, table in tables.items()},
            rows={name: table.num_rows for name, table in tables.items()},
            rules={"source": self.remark},
            files=files if tier == 3 else {},
        )
        publish(store, content, {"report.html": b"a report"})
        found = manifests.current(store, DATASET, tier)
        assert found is not None
        return found

    def _image(self, store: ObjectStore, patient: int, number: int) -> dict[str, object]:
        seed = hashlib.sha256(f"{patient} {number}".encode()).digest()
        data = (seed * (self.size // len(seed) + 1))[: self.size]
        described = manifests.item("image", "", data)
        key = f"{DATASET}/imaging_data/P{patient}/1.2.{patient}/1.2.{patient}.1/{described.sha256[:32]}.dcm"
        store.put(key, data)
        described = replace(described, key=key)
        return {
            "PatientID": f"P{patient}",
            "object_key": key,
            "object_bytes": described.bytes,
            "object_sha256": described.sha256,
        }


def csv(table: pa.Table) -> bytes:
    """A table as the file structure writes it."""
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(quoting_style="needed"))
    return sink.getvalue().to_pybytes()
