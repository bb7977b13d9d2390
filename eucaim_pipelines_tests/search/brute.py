"""Brute force in pandas over the tables of the common data model: every person, every series, one at a time.

It shares no code with what it is compared with: conditions are given with the codes that they mean.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

SERIES = {
    "modality": "series_modality",
    "body_part": "series_body_site",
    "manufacturer": "series_manufacturer_name",
}
PERSONS = {
    "birth_sex": ("patient", "patient_birth_sex", {}),
    "age": ("cancer_condition", "cancer_condition_age_at_diagnosis", {}),
    "diagnosis": ("cancer_condition", "cancer_condition_code", {}),
    "psa": (
        "tumor_marker_test",
        "tumor_marker_test_value_as_number",
        {"tumor_marker_test_code": "CLIN1033410", "tumor_marker_test_value_unit": "COM1000156"},
    ),
    "ki67": (
        "tumor_marker_test",
        "tumor_marker_test_value_as_number",
        {"tumor_marker_test_code": "CLIN1045913"},
    ),
    **{
        name: ("tumor_marker_test", "tumor_marker_test_value_as_concept", {"tumor_marker_test_code": code})
        for name, code in (("er", "CLIN1045815"), ("pr", "CLIN1046085"), ("her2", "CLIN1045851"))
    },
    **{
        name: ("cancer_stage", "cancer_stage_value_as_concept", {"cancer_stage_code": code})
        for name, code in (("ct", "CLIN1033379"), ("pt", "CLIN1033391"))
    },
    **{
        name: ("histologic_grade", "histologic_grade_value_as_concept", {"histologic_grade_code": code})
        for name, code in (("gleason", "CLIN1037294"), ("isup", "CLIN1037300"))
    },
    **{
        name: ("risk_assessment", "risk_assessment_value_as_concept", {"risk_assessment_code": code})
        for name, code in (("birads", "IMG1005459"), ("pirads", "IMG1005457"))
    },
}


class Asked(NamedTuple):
    """A condition as it is sent, and what it means: a thing, a test of one value, and whether of all."""

    key: str
    type: str
    value: Any
    what: str
    holds: Callable[[Any], bool]
    all_values: bool = False

    def leaf(self) -> dict[str, Any]:
        """As the AST says it."""
        return {"key": self.key, "type": self.type, "system": "", "value": self.value}


class Brute:
    """Counts people and studies the slow way."""

    def __init__(self, tables: Mapping[str, pa.Table], years: Mapping[str, int]) -> None:
        self._frames = {name: table.to_pandas() for name, table in tables.items()}
        self._years = years
        self._series = self._frames["image_series"]
        self._known: dict[tuple[str, str], list[Any]] = {}

    def counts(self, branches: list[list[list[Asked]]]) -> tuple[int, int]:
        """People and studies of an OR of ANDs of ORs; no branch asks for everybody."""
        people, studies = set(), set()
        for person in self._frames["patient"]["patient_id"]:
            own = self._series[self._series["patient_id"] == person]
            for row in [None, *own.to_dict("records")]:
                if branches and not any(self._branch(branch, person, row) for branch in branches):
                    continue
                people.add(person)
                if row is not None:
                    studies.add(row["study_uid"])
        return len(people), len(studies)

    def _branch(self, branch: list[list[Asked]], person: str, row: Any) -> bool:
        return all(any(self._one(each, person, row) for each in clause) for clause in branch)

    def _one(self, asked: Asked, person: str, row: Any) -> bool:
        if asked.what in SERIES:
            value = row[SERIES[asked.what]] if row is not None else None
            return value is not None and asked.holds(value)
        values = self._values(person, asked.what)
        return bool(values) and (all if asked.all_values else any)(asked.holds(each) for each in values)

    def _values(self, person: str, what: str) -> list[Any]:
        if what == "year":
            return [self._years[person]] if person in self._years else []
        if (person, what) not in self._known:
            table, column, where = PERSONS[what]
            frame = self._frames[table]
            frame = frame[frame["patient_id"] == person]
            for name, code in where.items():
                frame = frame[frame[name] == code]
            self._known[person, what] = [each for each in frame[column] if not pd.isna(each)]
        return self._known[person, what]
