"""Generated tables of a release: people who are alike in everything, and those who are made different.

No test lives here.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.quasi_identifiers import load_quasi_identifiers
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import load_tiers

CONTRACTS = load_tables()
IDENTIFIERS = load_quasi_identifiers(CONTRACTS)
TIERS = load_tiers(folder() / "tiers.yaml", known_checks(CONTRACTS))
FEMALE, MALE = "COM1001370", "COM1001366"
DIAGNOSED = date(2020, 1, 6)


def tables(people: Mapping[str, Mapping[str, Any]]) -> dict[str, pa.Table]:
    """Every table of the common data model; of each person what differs from the usual one.

    What can differ: sex, age, days (of the examinations since diagnosis), model, body_part, topography,
    treatments (days), drug, dates (False: examinations without days and dates).
    """
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTRACTS}
    for name, other in people.items():
        who = {"patient_id": name}
        rows["patient"].append(
            {**who, "patient_birth_sex": other.get("sex", FEMALE), "patient_source": "both"}
        )
        rows["cancer_condition"].append(
            {**who, "cancer_condition_id": f"{name}.D", "cancer_condition_code": "CLIN1000060",
             "cancer_condition_age_at_diagnosis": other.get("age", 61.0),
             "cancer_condition_topography": other.get("topography", "BP1000136")}
        )  # fmt: skip
        for number, day in enumerate(other.get("days", (10,))):
            study = {**who, "study_uid": f"{name}.S{number}"}
            dated = {"study_offset_from_diagnosis": day, "study_acquisition_date": DIAGNOSED + timedelta(day)}
            age = {"patient_age_at_study_years": other.get("age", 61.0)}
            rows["image_study"].append({**study, **age, **(dated if other.get("dates", True) else {})})
            rows["image_series"].append(
                {**study, "series_uid": f"{name}.S{number}.1", "series_modality": "IMG1004455",
                 "series_body_site": other.get("body_part", "BP1000136"),
                 "series_manufacturer_name": "IMG1000044",
                 "manufacturer_model_name": other.get("model", "Mammomat")}
            )  # fmt: skip
        for number, day in enumerate(other.get("treatments", ())):
            rows["treatment"].append(
                {**who, "treatment_id": f"{name}.T{number}", "treatment_type": "CLIN1024528",
                 "treatment_offset_from_diagnosis": day}
            )  # fmt: skip
        if "drug" in other:
            rows["medication_administration"].append(
                {**who, "medication_administration_id": f"{name}.M", "medication_code": other["drug"]}
            )
    return {name: _table(name, some) for name, some in rows.items()}


def released(tier: int, made: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """What a release of the tier shows of them."""
    return {name: made[name] for name in TIERS.tables(tier)}


def alike(count: int, start: int = 0) -> dict[str, dict[str, Any]]:
    """People without any difference."""
    return {f"p{number:04d}": {} for number in range(start, start + count)}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([field.with_nullable(True) for field in CONTRACTS[name].schema])
    return pa.Table.from_pylist(rows, schema=schema)
