"""Invented people for the search tests, as tables of the common data model, with gaps and several values."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.search import index
from eucaim_pipelines.search.collections import Collection, Described
from eucaim_pipelines.search.control import Control
from eucaim_pipelines.search.criteria import load_criteria

CONTRACTS, CRITERIA = load_tables(), load_criteria()
KEY = SiteKey(bytes(range(32)))
SEXES = ("COM1001366", "COM1001370", "COM1001288", "COM1002760", None)
DIAGNOSES = ("CLIN1000060", "CLIN1000169", "CLIN1000065", "CLIN1000075", "CLIN1000057", None)
MODALITIES = ("IMG1000042", "IMG1000038", "IMG1000062", "IMG1004455", None)
BODY_PARTS = ("CLIN1063727", "BP1000136", "BP1000192", "BP1000021", None)
MANUFACTURERS = ("IMG1000044", "IMG1000046", "IMG1000047", None)
MARKERS = {
    "CLIN1045815": ("COM1001310", "COM1001332"),
    "CLIN1046085": ("COM1001310", "COM1001332"),
    "CLIN1045851": ("COM1002257", "COM1001877", "COM1001879"),
}
STAGES = {
    "CLIN1033379": ("COM1000333", "COM1000351", "COM1000370"),
    "CLIN1033391": ("COM1000741", "COM1000775"),
}
GRADES = {"CLIN1037294": ("CLIN1026200", "CLIN1026298"), "CLIN1037300": ("COM1001362", "COM1001365")}
RISKS = {"IMG1005459": ("IMG1005468", "IMG1005465"), "IMG1005457": ("IMG1005477", "IMG1005476")}


def tables(people: int, seed: int) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """Tables of invented people, and the true year of diagnosis of most of them."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in index.tables(CRITERIA)}
    years = {}
    for number in range(people):
        person = f"EUCAIM-{number:04x}"
        rows["patient"].append({"patient_id": person, "patient_birth_sex": draw.choice(SEXES)})
        if draw.random() < 0.9:
            years[person] = draw.randint(2005, 2024)
        for _ in range(draw.choice((0, 1, 1, 1, 2))):
            age = draw.choice((None, 90.0, round(draw.uniform(20, 89), 1)))
            rows["cancer_condition"].append(
                {
                    "patient_id": person,
                    "cancer_condition_code": draw.choice(DIAGNOSES),
                    "cancer_condition_age_at_diagnosis": age,
                }
            )
        _clinical(person, rows, draw)
        _images(person, rows, draw)
    made = {name: pa.Table.from_pylist(each, schema=CONTRACTS[name].schema) for name, each in rows.items()}
    return made, years


def _clinical(person: str, rows: Mapping[str, list[dict[str, Any]]], draw: random.Random) -> None:
    coded = (
        ("tumor_marker_test", MARKERS),
        ("cancer_stage", STAGES),
        ("histologic_grade", GRADES),
        ("risk_assessment", RISKS),
    )
    for table, codes in coded:
        for code, values in codes.items():
            for _ in range(draw.choice((0, 1, 1, 2))):
                value = draw.choice((*values, None))
                rows[table].append(
                    {"patient_id": person, f"{table}_code": code, f"{table}_value_as_concept": value}
                )
    for code, unit, top in (
        ("CLIN1033410", "COM1000156", 40),
        ("CLIN1045913", None, 100),
        ("CLIN1033410", "COM1000151", 9),
    ):
        if draw.random() < 0.6:
            rows["tumor_marker_test"].append(
                {
                    "patient_id": person,
                    "tumor_marker_test_code": code,
                    "tumor_marker_test_value_as_number": round(draw.uniform(0, top), 1),
                    "tumor_marker_test_value_unit": unit,
                }
            )


def _images(person: str, rows: Mapping[str, list[dict[str, Any]]], draw: random.Random) -> None:
    for study in range(draw.choice((0, 1, 1, 2, 3))):
        uid = f"2.25.{int(person[7:], 16)}.{study}"
        rows["image_study"].append({"study_uid": uid, "patient_id": person})
        for series in range(draw.randint(1, 4)):
            rows["image_series"].append(
                {
                    "series_uid": f"{uid}.{series}",
                    "study_uid": uid,
                    "patient_id": person,
                    "series_modality": draw.choice(MODALITIES),
                    "series_body_site": draw.choice(BODY_PARTS),
                    "series_manufacturer_name": draw.choice(MANUFACTURERS),
                }
            )


def described(name: str = "invented") -> Described:
    """What a record would say."""
    return Described(name, "Invented people", "", (20, 90), ("Female", "Male"), ("Computed tomography",), ())


def collection(
    made: Mapping[str, pa.Table], years: Mapping[str, int], control: Control | None = None
) -> Collection:
    """A collection of these tables."""
    table = index.build(made, CRITERIA, years)
    return Collection(described(), "2026.01.01-00000000", table, CRITERIA, control)


def people_only(pseudonyms: Iterable[str]) -> pa.Table:
    """An index of people about whom nothing else is known."""
    schema = index.schema(CRITERIA)
    return pa.Table.from_pylist([{"patient_id": each} for each in sorted(pseudonyms)], schema=schema)
