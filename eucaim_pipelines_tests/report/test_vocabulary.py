"""Of values without a code only columns and large numbers leave, and what comes near those that many have."""

import csv
import io

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm.coding import UNMAPPED
from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.words import load_words
from eucaim_pipelines.report.vocabulary import COLUMNS, columns, released

ROWS = [
    ("p", "histology", "histology", "adenocarcinona", 60, 41),
    ("p", "histology", "histology", "angiosarcoma?", 2, 1),
    ("p", "histology", "histology", "Ca. escamoso raro", 9, 9),
    ("p", "therapy", "treatment_type", "Bestralung", 3, 3),
    ("p", "seen", "date", "31/02/2020", 70, 44),
]


@pytest.fixture(scope="module")
def found():
    table = pa.Table.from_pylist(
        [dict(zip(UNMAPPED.names, row, strict=True)) for row in ROWS], schema=UNMAPPED
    )
    return columns(table, Matcher(vocabularies.load_all(), load_words()).nearest_of_all)


def test_concepts_come_near_only_to_what_ten_patients_have(found):
    near = {each.field: each.nearest for each in found}
    assert any("Adenocarcinoma" in text for text in near["histology"])
    assert not any("quamous" in text or "arcoma (" in text for text in near["histology"])
    assert near["therapy"] == [] and near["seen"] == []


def test_no_value_and_no_small_count_is_released(found):
    text = released(found, people=120).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 4
    assert not any(value in text for _, _, _, value, _, _ in ROWS)
    therapy = next(row for row in rows if row[1] == "therapy")
    assert therapy[3:6] == ["not shown", "<10", "<10"]
    for row in rows[1:]:
        assert not any(cell.isdigit() and 0 < int(cell) < 10 for cell in row[4:6])


def test_equal_columns_are_released_as_equal_bytes(found):
    assert released(found, 120) == released(list(found), 120) and released([], 120).count(b"\n") == 1
