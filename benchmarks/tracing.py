"""A release of a million objects: its lineage, its lists, the search for identities, and `eucaim explain`.

All names are invented. Identities share beginnings as those of a hospital do, half of the UIDs with new ones.
Each object is a series of its own, as mammograms are. The peer of the same run is pandas reading the lineage
once. Prints a table and asserts nothing about time.
"""

import argparse
import io
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa

from eucaim_pipelines.cli import explaining
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.deidentification import sweep
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.ingest.exports import Entry, Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject, Reading
from eucaim_pipelines.release import lineage
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.object_tables import instances_schema
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.release.publication import object_lists
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines.settings import write_settings

DATASET = "invented"
RULES = {"profile_digest": "1" * 64, "rules_digest": "2" * 64, "key_id": "3" * 16}
PER_PATIENT, PER_STUDY = 100, 25
SOURCE = f"""
dataset_id: {DATASET}
tier: 3
catalogue: {{title: Invented, description: Invented rows for a benchmark.}}
"""
_COLUMNS = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    *("source_digest", "object_sha256", "object_key"),
)


def main() -> None:
    """Make the objects, then time each stage."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--objects", type=int, default=1_000_000)
    count = options.parse_args().objects
    with tempfile.TemporaryDirectory() as scratch:
        site, (instances, identities) = Path(scratch), _invented(count)
        with stage("lineage, made and encoded") as made:
            table = lineage.build(instances, [("4" * 64, "patient")], [("patient", "figure")], RULES)
            data = encode(table)
        with stage("lists of images by patient") as listed:
            lists = object_lists(DATASET, instances)
        searched = [instances, lineage.beyond(table, instances)]
        with stage(f"search for {len(identities):,} identities") as swept:
            found = sweep.find_in_tables(searched, identities)
        (site / "lineage.parquet").write_bytes(data)
        with stage("pandas reads the lineage") as peer:
            pd.read_parquet(site / "lineage.parquet")
        _site(site, instances, table, data)
        row = table.slice(count // 2, 1).to_pylist()[0]
        for what in ("object_key", "source_token", "sop_instance_uid"):
            with stage(f"explain by {what}"), redirect_stdout(io.StringIO()) as said:
                explaining.explain(row[what], paths=False)
            if "source token" not in said.getvalue():
                raise SystemExit("Nothing was explained: the benchmark is out of date.")
        with stage("explain by source's SHA-256"), redirect_stdout(io.StringIO()) as said:
            explaining.explain(_source(row["object_sha256"]), paths=False)
        if row["object_key"] not in said.getvalue() or found:
            raise SystemExit("Something else came out: the benchmark is out of date.")
        with stage(f"explain a figure of {count:,} rows"), redirect_stdout(io.StringIO()) as said:
            explaining.explain_figure(DATASET, "hasImageModality", as_json=True)
        if json.loads(said.getvalue())["rows"] != count:
            raise SystemExit("Another figure came out: the benchmark is out of date.")
        ratios = ", ".join(f"{each.seconds / peer.seconds:.1f}" for each in (made, listed, swept))
        print(f"{count:,} objects, {len(lists):,} lists, lineage of {len(data) / 1e6:.0f} MB")
        print(f"lineage, lists and search: {ratios} times the peer; load {os.getloadavg()[0]:.0f}")


@dataclass
class Clock:
    """Seconds that a stage took, once it is over."""

    seconds: float = 0.0


@contextmanager
def stage(name: str) -> Iterator[Clock]:
    """Print seconds of a stage, and the most memory that this process ever had."""
    clock, started = Clock(), time.perf_counter()
    yield clock
    clock.seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<36}{clock.seconds:>8.1f} s{peak:>8.0f} MB", flush=True)


def _invented(count: int) -> tuple[pa.Table, set[str]]:
    """A de-identified inventory, and the names that its objects had before."""
    pseudonyms = Pseudonyms(SiteKey(bytes(range(32))))
    people = [f"EUCAIM-{_digits('person', n)[:20]}" for n in range(count // PER_PATIENT + 1)]
    columns: dict[str, list[str]] = {name: [] for name in _COLUMNS}
    identities = {text for n in range(len(people)) for text in (f"HOSP-{n:08d}", f"ACC2023{n:09d}")}
    for n in range(count):
        person, study = people[n // PER_PATIENT], f"2.25.{n // PER_STUDY + 10**30}"
        series, digest = f"2.25.{n + 10**31}", _digits("object", n)
        own = f"1.2.826.0.1.3680043.8.498.{n // PER_STUDY}"
        identities |= {f"{own}.1", f"{own}.2.{n}" if n % 2 else f"2.25.{n + 2 * 10**32}"}
        values = (person, study, series, f"2.25.{n + 10**32}", pseudonyms.digest("source", _source(digest)),
                  digest, f"{DATASET}/imaging_data/{person}/{study}/{series}/{digest[:32]}.dcm")  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    empty = {field.name: pa.nulls(count, field.type) for field in instances_schema()}
    known = {name: pa.array(values) for name, values in columns.items()}
    return pa.table({**empty, **known, "object_bytes": pa.array([500_000] * count)}), identities


def _digits(kind: str, number: int) -> str:
    return sha256(f"{kind} {number}".encode()).hexdigest()


def _source(object_sha256: str) -> str:
    """SHA-256 of the file that an object was made from."""
    return sha256(object_sha256.encode()).hexdigest()


def _site(folder: Path, instances: pa.Table, table: pa.Table, data: bytes) -> None:
    """A site whose ledger, staged lineage and newest releases hold these objects."""
    (folder / "landing" / DATASET).mkdir(parents=True)
    staged = folder / "restricted" / DATASET / "releasable" / "deidentified"
    staged.mkdir(parents=True)
    (staged / "lineage.parquet").write_bytes(data)
    (folder / "key").write_text(bytes(range(32)).hex())
    (folder / "key").chmod(0o600)
    places = ("landing", "restricted", "release")
    write_settings(
        folder / "settings.yaml", {n: n for n in places} | {"key_file": "key", "sources": "landing"}
    )
    os.environ["EUCAIM_SETTINGS"] = str(folder / "settings.yaml")
    (folder / "landing" / f"{DATASET}.yaml").write_text(SOURCE, encoding="utf-8")
    (staged / "instances.parquet").write_bytes(encode(instances))
    rows = instances.select(["object_key", "object_sha256", "SOPInstanceUID"]).to_pylist()
    with Ledger(folder / "restricted" / DATASET / "ledger.sqlite") as ledger:
        export = Export("2026-01", folder, "folder", datetime(2026, 1, 1, tzinfo=UTC))
        ledger.register(export)
        ledger.record(export.name, (_reading(n, row) for n, row in enumerate(rows)))
        ledger.dispose(dict.fromkeys(range(1, len(rows) + 1), ("pending", "AWAITS_RELEASE")))
        ledger.release_names(row["object_key"] for row in rows)
        ledger.assign({n: MadeObject("", "", key=row["object_key"]) for n, row in enumerate(rows, 1)})
    store = FolderStore(folder / "release")
    named = manifests.item(lineage.NAME, f"{DATASET}/lineage/{sha256(data).hexdigest()}.parquet", data)
    store.put(named.key, data)
    told = encode(_series(instances))
    told_of = replace(
        manifests.item("image_series", f"{DATASET}/tables/series.parquet", told), rows=len(rows)
    )
    store.put(told_of.key, told)
    for tier in manifests.TIERS:
        made = Manifest(
            DATASET, tier, "2026.01.01-00000000", "2026-01-01", "benchmark", {}, (told_of,), files=(named,)
        )
        store.put(manifests.manifest_key(DATASET, tier, made.version), made.to_bytes())
        store.replace(
            manifests.pointer(DATASET, tier), manifests.pointer_bytes(made.version, made.to_bytes())
        )


def _series(instances: pa.Table) -> pa.Table:
    """The released table of series, as far as the figure asks for it."""
    empty = load_tables()["image_series"].empty()
    names = {"patient_id": "PatientID", "study_uid": "StudyInstanceUID", "series_uid": "SeriesInstanceUID"}
    known = {own: instances[name] for own, name in names.items()}
    known["series_modality"] = pa.repeat("CT", len(instances))
    columns = {
        field.name: known.get(field.name, pa.nulls(len(instances), field.type)) for field in empty.schema
    }
    return pa.table(columns, schema=empty.schema)


def _reading(number: int, row: dict[str, str]) -> Reading:
    header = {"SOPInstanceUID": row["SOPInstanceUID"]}
    return Reading(Entry(f"{number}.dcm", 1, 1, 1), sha256=_source(row["object_sha256"]), header=header)


if __name__ == "__main__":
    main()
