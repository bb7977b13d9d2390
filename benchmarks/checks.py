"""How long the checks of a large dataset take, how much memory, and Great Expectations' share of it.

Rows are drawn from the contracts: 100,000 patients with 300,000 studies, 1,000,000 series, clinical tables.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.rules import INSTANCES
from eucaim_pipelines.contracts.synthetic import rows
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.dicom import inventory_schema
from eucaim_pipelines.quality import checks
from eucaim_pipelines.quality.plan import planned
from eucaim_pipelines.release.parquet import encode

THOUSANDS = {
    "patient": 100, "cancer_condition": 100, "image_study": 300, "image_series": 1000, "image_modality": 1000,
    "procedure": 400, "episode": 200, "episode_event": 500, "treatment": 150, "radiotherapy": 50,
    "surgical_procedure": 50, "medication_administration": 100, "tumor": 100, "cancer_stage": 100,
    "lab_test_result": 500, "tumor_marker_test": 200, "segmentation_series": 50, "segment": 100,
}  # fmt: skip


def main() -> None:
    """Draw the rows, check them from Parquet files as a run does, and print what it took."""
    contracts, values = load_tables(), vocabularies.load_all()
    with tempfile.TemporaryDirectory() as folder:
        sizes = {name: 1000 * count for name, count in THOUSANDS.items()} | {"dataset": 1}
        tables = rows(contracts, values, sizes)
        tables[INSTANCES] = _instances(tables["image_series"])
        for name in list(tables):
            (Path(folder) / f"{name}.parquet").write_bytes(encode(tables.pop(name)))
        views = {path.stem: ds.dataset(path, format="parquet") for path in Path(folder).glob("*.parquet")}
        checks.judge, spent = _timed(checks.judge)
        wall, cpu = time.perf_counter(), time.process_time()
        found = checks.run(planned(contracts), views, contracts, values).findings
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{len(found)} checks: {wall:.1f} s, {cpu:.1f} s of CPU, {memory:.2f} GB with the drawing of the rows"
    )
    print(f"Great Expectations, its import included: {spent[0]:.1f} s, {spent[1]:.1f} s of CPU")


def _instances(series: pa.Table) -> pa.Table:
    """One header of each series, as far as checks read it."""
    schema, count = inventory_schema.schema(), series.num_rows
    columns: dict[str, Any] = {field.name: pa.nulls(count, field.type) for field in schema}
    columns |= {"SOPInstanceUID": series["series_uid"], "SeriesInstanceUID": series["series_uid"],
                "StudyInstanceUID": series["study_uid"], "PatientID": series["patient_id"],
                "Modality": series["modality"], "PatientAge": pa.repeat("061Y", count),
                "Rows": pa.repeat(512, count)}  # fmt: skip
    for name, numbers in (("PixelSpacing", [0.7, 0.7]), ("ImageOrientationPatient", [1.0, 0, 0, 0, 1.0, 0])):
        columns[name] = pa.array([numbers] * count, schema.field(name).type)
    return pa.table(columns).cast(schema)


def _timed(function: Callable[..., Any]) -> tuple[Callable[..., Any], list[float]]:
    """The function, adding up the wall-clock and CPU seconds of its calls."""
    spent = [0.0, 0.0]

    def call(*args: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = function(*args)
        spent[0] += time.perf_counter() - wall
        spent[1] += time.process_time() - cpu
        return result

    return call, spent


if __name__ == "__main__":
    main()
