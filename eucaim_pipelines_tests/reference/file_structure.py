"""A reader of EUCAIM's common file structure that shares nothing with what writes it.

It knows what EUCAIM's own readers know: names, mandatory tables and columns, `EUCAIM:` before codes, ISO
dates, booleans, and the folders of images. Source: EUCAIM/software-template-repository,
toolbox/cdm_federated_unbalance_checker; carleshf/flcore, flcore/data_sources/eucaim.py.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

MANDATORY = (
    "patient", "cancer_condition", "procedure", "episode", "episode_event", "image_study", "image_series"
)  # fmt: skip
VIEWS = {
    "clinical_mandatory_view": (
        "dataset_id", "patient_id", "patient_birth_sex", "patient_ethnicity", "patient_diagnostic_category",
        "cancer_condition_age_at_diagnosis", "cancer_condition_age_unit", "cancer_condition_code",
        "cancer_condition_asserted_date", "cancer_condition_type", "cancer_condition_topography",
        "cancer_condition_histology_morphology", "evidence_procedure_code", "first_treatment_type",
        "first_treatment_offset_from_diagnosis", "first_treatment_offset_unit",
    ),
    "imaging_mandatory_view": (
        "dataset_id", "patient_id", "image_procedure_code", "study_uid", "series_uid", "series_manufacturer",
        "series_body_site_code",
    ),
}  # fmt: skip
_CODE = re.compile(r"(CLIN|COM|BP|IMG|GEN|SPEC)\d+")
_DATE = re.compile(r"(1[89]|20)\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])")


@dataclass(frozen=True)
class Structure:
    """What was read: rows of views and tables as texts without prefix, and images by series."""

    views: dict[str, list[dict[str, str]]]
    tables: dict[str, list[dict[str, str]]]
    images: dict[tuple[str, str, str], list[Path]]


def read(root: Path) -> Structure:
    """Read and validate a structure; an AssertionError says what is not as it must be."""
    views = {name: rows(root / f"{name}.csv") for name in VIEWS}
    for name, columns in VIEWS.items():
        assert set(columns) <= set(views[name][0]), name
    tables = {path.stem: rows(path) for path in sorted((root / "clinical_data").iterdir())}
    assert set(MANDATORY) <= set(tables)
    images: dict[tuple[str, str, str], list[Path]] = {}
    for path in sorted((root / "imaging_data").rglob("*.dcm")):
        patient, study, series, _ = path.relative_to(root / "imaging_data").parts
        images.setdefault((patient, study, series), []).append(path)
    found = Structure(views, tables, images)
    _check(found)
    return found


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file, the prefix stripped from codes."""
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream, strict=True))
    return [{name: cell.removeprefix("EUCAIM:") for name, cell in row.items()} for row in read]


def _check(found: Structure) -> None:
    """Grain, keys, and the form of cells."""
    clinical, imaging = found.views["clinical_mandatory_view"], found.views["imaging_mandatory_view"]
    people = [row["patient_id"] for row in clinical]
    assert len(people) == len(set(people)) and set(people) == {
        r["patient_id"] for r in found.tables["patient"]
    }
    series = [row["series_uid"] for row in imaging]
    assert len(series) == len(set(series))
    assert set(series) == {row["series_uid"] for row in found.tables["image_series"]}
    assert {(r["patient_id"], r["study_uid"], r["series_uid"]) for r in imaging} <= set(found.images)
    assert {patient for patient, _, _ in found.images} <= set(people)
    for row in (*clinical, *imaging, *(r for table in found.tables.values() for r in table)):
        for name, cell in row.items():
            if name.endswith("_date") and cell:
                assert _DATE.fullmatch(cell), name
            if name in {"patient_birth_sex", "cancer_condition_code", "cancer_condition_type"} and cell:
                assert _CODE.fullmatch(cell), name
            if name == "patient_deceased":
                assert cell in {"", "true", "false", "1", "0"}, name
