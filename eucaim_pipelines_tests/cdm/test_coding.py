"""Laws of coding: typed values, nothing unmapped lost, value maps before labels."""

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm.cells import NumberForm
from eucaim_pipelines.cdm.coding import (
    KEY_SEPARATOR,
    code_records,
    given_cells,
    identities,
    kinds,
    unmapped_images,
    unreadable_columns,
)
from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines_tests.cdm import examples

VOCABULARIES = load_all()


def one_spec(column, **changes):
    """A file of two key columns and one more."""
    base = {
        "name": "f", "files": "f.csv", "delivery": "snapshot", "key": ["patient", "n"],
        "columns": {
            "P": {"field": "patient", "is": "patient_id"},
            "N": {"field": "n", "is": "integer"},
            "X": {"field": "x", **column},
        } if column else {},
    }  # fmt: skip
    return ClinicalFile.model_validate(base | changes)


def one_table(cells):
    numbers = [str(n) for n in range(len(cells))]
    texts = {"P": ["P1"] * len(cells), "N": numbers, "X": cells}
    return pa.table(texts, schema=texts_schema(texts))


def texts_schema(texts):
    return pa.schema([(name, pa.string()) for name in texts])


def one_column(cells, decimal=".", **column):
    """The coded values and the unmapped table of one column."""
    coded = code_records(one_table(cells), one_spec(column, decimal=decimal), VOCABULARIES)
    return coded.table["x"].to_pylist(), coded.unmapped.to_pylist()


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ({"is": "date", "format": "%d/%m/%Y"}, "03/04/2020", date(2020, 4, 3)),
        ({"is": "date", "format": "%d/%m/%Y"}, "2020-04-03", None),
        ({"is": "date", "format": "%d/%m/%Y"}, "31/02/2020", None),
        ({"is": "date"}, "0020-04-03", None),
        ({"is": "number"}, "-4.25", -4.25),
        ({"is": "number"}, "1,234", None),
        ({"is": "number"}, "<5", None),
        ({"is": "number"}, "nan", None),
        ({"is": "number"}, "٤", None),
        ({"is": "integer"}, "7", 7),
        ({"is": "integer"}, "7.0", 7),
        ({"is": "integer"}, "7.5", None),
        ({"is": "age"}, "61.27", 61.3),
        ({"is": "age"}, "131", None),
        ({"is": "age"}, "-1", None),
        ({"is": "boolean"}, "True", True),
        ({"is": "boolean"}, "0", False),
        ({"is": "boolean"}, "maybe", None),
        ({"is": "boolean"}, "Y", True),
        ({"is": "boolean"}, "No", False),
        ({"is": "boolean"}, "1.0", True),
        ({"is": "boolean"}, "POSITIVE", True),
        ({"is": "boolean"}, "absent", False),
        ({"is": "boolean"}, "2", None),
        ({"is": "number"}, ".5", 0.5),
        ({"is": "number"}, "5.", 5.0),
        ({"is": "number"}, "1.5e-05", 1.5e-05),
        ({"is": "number"}, "1e999", None),
        ({"is": "number"}, "12 mm", None),
        ({"is": "number", "unit": "mm"}, "12 mm", 12.0),
        ({"is": "number", "unit": "mm"}, "1.2cm", 12.0),
        ({"is": "number", "unit": "mm"}, "12 MM", 12.0),
        ({"is": "number", "unit": "mm"}, "12 kg", None),
        ({"is": "number", "unit": "mm"}, "5 " + "m." * 1000 + "m", None),
        ({"is": "number", "unit": "mm"}, "5 " + "(" * 1000 + "m" + ")" * 1000, None),
        ({"is": "number", "unit": "mm"}, "12 x 14", None),
        ({"is": "number", "unit": "mm"}, "12 mm x", None),
        ({"is": "number", "unit": "%"}, "45 %", 45.0),
        ({"is": "number", "unit": "10*9/L"}, "4.2 10*9/L", 4.2),
        ({"is": "number", "unit": "1"}, "1 000", None),
        ({"is": "number", "unit": "mm"}, "12\u00a0mm", 12.0),
        ({"is": "number"}, "3-4", None),
        ({"is": "number", "limits": "keep"}, "<0.1", 0.1),
        ({"is": "number", "limits": "keep"}, ">= 90", 90.0),
        ({"is": "number", "limits": "keep", "unit": "ng/mL"}, "> 5 ug/L", 5.0),
        ({"is": "number", "values": {"trace": 0.01}}, "Trace", 0.01),
        ({"is": "number", "values": {"trace": 0.01}}, "0.02", 0.02),
        ({"is": "integer", "values": {"G2": 2}}, "g2", 2),
        ({"is": "integer"}, "-3", -3),
        ({"is": "age", "unit": "mo"}, "18", 1.5),
        ({"is": "age", "unit": "d"}, "-15209", 41.6),
        ({"is": "age", "unit": "d"}, "61 years", 61.0),
        ({"is": "age"}, "061Y", 61.0),
        ({"is": "age"}, "006M", 0.5),
        ({"is": "age"}, "61 centuries", None),
        ({"is": "age"}, ">89", None),
        ({"is": "age", "values": {">89": 90}}, ">89", 90.0),
        ({"is": "age", "limits": "keep"}, ">89", 89.0),
        ({"is": "age", "unit": "mo"}, "1600", None),
        ({"is": "days"}, "-14", -14),
        ({"is": "days"}, "14.0", 14),
        ({"is": "days"}, "14.5", None),
        ({"is": "days"}, "50000", None),
        ({"is": "days"}, "2020-01-01", None),
        ({"is": "timepoint"}, "2", 2),
        ({"is": "timepoint"}, "-2", None),
        ({"is": "timepoint", "values": {"T0": 0}}, "t0", 0),
        ({"is": "study_uid"}, "1.2.840.10008.1", "1.2.840.10008.1"),
        ({"is": "study_uid"}, "1.2.840.0008", None),
        ({"is": "study_uid"}, "1." * 32 + "1", None),
        ({"is": "study_uid"}, "none", None),
        ({"is": "episode"}, "Diagnosis", "GEN1000008"),
        ({"is": "episode", "values": {"follow-up": "GEN1000010"}}, "Follow-Up", "GEN1000010"),
        ({"is": "code", "vocabulary": "birth_sex", "values": {"1": "COM1001366"}}, "1.0", "COM1001366"),
        ({"is": "code", "vocabulary": "birth_sex", "values": {"1": "COM1001366"}}, "1.5", None),
        ({"is": "date", "format": ["%d/%m/%Y", "%Y-%m-%d"]}, "2020-04-03", date(2020, 4, 3)),
        ({"is": "date", "format": "%m/%Y", "precision": "month"}, "04/2020", date(2020, 4, 1)),
        ({"is": "boolean", "values": {"SI": True}}, "si", True),
        ({"is": "boolean", "values": {"SI": True}}, "true", None),
        ({"is": "code", "vocabulary": "birth_sex"}, "Female", "COM1001370"),
        ({"is": "code", "vocabulary": "birth_sex"}, "EUCAIM:COM1001370", "COM1001370"),
        ({"is": "code", "vocabulary": "birth_sex", "values": {"V": "COM1001366"}}, "v", "COM1001366"),
        (
            {"is": "code", "vocabulary": "birth_sex", "values": {"V": "COM1001366"}},
            "COM1001370",
            "COM1001370",
        ),
    ],
)
def test_a_cell_becomes_a_typed_value_or_is_listed_as_unmapped(column, cell, value):
    values, unmapped = one_column([cell, None, cell], **column)
    assert values == [value, None, value]
    kind = "episode_type" if column["is"] == "episode" else column["is"]
    expected = {"file": "f", "field": "x", "vocabulary": column.get("vocabulary", kind)}
    assert unmapped == ([] if value is not None else [expected | {"value": cell, "rows": 2, "patients": 1}])


def test_with_a_value_map_a_label_of_the_vocabulary_does_not_count():
    """In a Spanish list M is mujer, a woman; the vocabulary's own M is male."""
    values, unmapped = one_column(
        ["M"], **{"is": "code", "vocabulary": "birth_sex", "values": {"V": "COM1001366"}}
    )
    assert values == [None] and unmapped[0]["rows"] == 1


def test_a_spelling_that_two_entries_could_mean_is_not_guessed():
    column = {"is": "code", "vocabulary": "birth_sex", "values": {"m": "COM1001366", "M ": "COM1001370"}}
    assert one_column(["M", "m"], **column)[0] == [None, "COM1001366"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ({"is": "code", "vocabulary": "birth_sex", "values": {"U": None, "V": "COM1001366"}}, "u"),
        ({"is": "number", "missing": ["999", "-1"]}, "999"),
        ({"is": "boolean", "values": {"J": True, "?": None}}, "?"),
        ({"is": "age", "values": {"x": None}}, "X"),
    ],
)
def test_a_spelling_of_no_value_is_neither_a_value_nor_unmapped(column, cell):
    assert one_column([cell], **column) == ([None], [])


def test_a_day_after_the_newest_export_is_unmapped():
    spec = one_spec({"is": "date", "format": ["%Y-%m-%d", "%d.%m.%y"], "century_before": 2030})
    days = one_table(["2024-05-01", "2024-05-02", "2105-05-01", "01.05.29", "01.05.30"])
    coded = code_records(days, spec, VOCABULARIES, date(2024, 5, 1))
    assert coded.table["x"].to_pylist() == [date(2024, 5, 1), None, None, None, date(1930, 5, 1)]
    assert coded.unmapped["value"].to_pylist() == ["01.05.29", "2024-05-02", "2105-05-01"]


def test_what_is_less_exact_than_it_looks_is_counted():
    spec = one_spec({"is": "number", "limits": "keep"})
    coded = code_records(one_table(["<1", "<1", "2", "> 3"]), spec, VOCABULARIES)
    assert coded.less_exact.to_pylist() == [
        {"file": "f", "field": "x", "why": "limit", "rows": 3, "patients": 1}
    ]
    spec = one_spec({"is": "date", "format": ["%Y", "%m/%Y", "%d/%m/%Y"], "precision": "year"})
    coded = code_records(one_table(["2020", "04/2020", "03/04/2020"]), spec, VOCABULARIES)
    assert {row["why"]: row["rows"] for row in coded.less_exact.to_pylist()} == {"month": 1, "year": 1}
    assert coded.table["x"].to_pylist() == [date(2020, 1, 1), date(2020, 4, 1), date(2020, 4, 3)]


@settings(deadline=None)
@given(
    number=st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
    marks=st.sampled_from([(".", ","), (",", "."), (".", " "), (",", "'")]),
)
def test_a_number_is_read_as_it_was_written(number, marks):
    decimal, thousands = marks
    written = f"{number:,.3f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    for text in (written, written.replace(thousands, "")):
        found = NumberForm(decimal, thousands).read(text)
        assert found is not None and found[0] == float(number)
    assert NumberForm(decimal, None).read(written) is None or abs(number) < 1000


@given(text=st.text("0123456789.,<> mxe+-", max_size=12))
def test_no_text_crashes_the_reading_of_numbers(text):
    values, unmapped = one_column([text or None], **{"is": "number", "limits": "keep", "unit": "mm"})
    assert (values[0] is None) == (bool(unmapped) or not text)


@pytest.mark.parametrize(
    ("drugs", "doses", "expected"),
    [
        ("A; B", "1;2", [("A", "1"), ("B", "2")]),
        ("A;B", "1", [("A", "1"), ("B", "1")]),
        ("A;B;C", "1;2", [("A", "1;2"), ("B", None), ("C", None)]),
        ("A", None, [("A", None)]),
        (None, None, [(None, None)]),
        ("A;", "1;2", [("A", "1"), (None, "2")]),
    ],
)
def test_several_values_in_one_cell_are_rows_in_parallel(drugs, doses, expected):
    """With two lists of different length no value is paired by guess: the shorter cell stays whole."""
    columns = {
        "P": {"field": "patient", "is": "patient_id"},
        "D": {"field": "drug", "is": "number", "separator": ";", "values": {"A": 1, "B": 2, "C": 3}},
        "X": {"field": "dose", "is": "number", "separator": ";"},
    }
    spec = one_spec({}, columns=columns, key=["patient"])
    texts = {"P": ["P1"], "D": [drugs], "X": [doses]}
    coded = code_records(pa.table(texts, schema=texts_schema(texts)), spec, VOCABULARIES)
    names = {1.0: "A", 2.0: "B", 3.0: "C", None: None}
    found = [names[value] for value in coded.table["drug"].to_pylist()]
    assert found == [name for name, _ in expected]
    whole = [row["value"] for row in coded.unmapped.to_pylist()]
    assert whole == [dose for _, dose in expected if dose and ";" in dose]
    keys = coded.table["record_key"].to_pylist()
    assert keys[0] == f"f{KEY_SEPARATOR}P1" and len(set(keys)) == len(keys) == len(expected)


def test_a_derived_field_needs_all_that_it_is_joined_from():
    columns = {
        "P": {"field": "patient", "is": "patient_id"},
        "A": {"field": "year", "is": "ignore"},
        "B": {"field": "month", "is": "ignore"},
    }
    joined = {
        "field": "seen",
        "is": "date",
        "from": ["year", "month"],
        "format": "%Y %m",
        "precision": "month",
    }
    first = {"field": "known", "is": "integer", "first_of": ["month", "year"]}
    spec = one_spec({}, columns=columns, key=["patient"], derived=[joined, first])
    texts = {"P": ["1", "2", "3"], "A": ["2020", "2021", None], "B": ["4", None, None]}
    coded = code_records(pa.table(texts, schema=texts_schema(texts)), spec, VOCABULARIES)
    assert coded.table["seen"].to_pylist() == [date(2020, 4, 1), None, None]
    assert coded.table["known"].to_pylist() == [4, 2021, None]
    assert coded.unmapped.num_rows == 0


def test_the_number_without_the_prefix_of_the_images_identifies_too():
    columns = {"P": {"field": "patient", "is": "patient_id", "prefix": "ISPY1_"}}
    spec = one_spec({}, columns=columns, key=["patient"])
    assert identities(pa.table({"P": ["ISPY1_1001"]}), spec) == {"ISPY1_1001": {"ISPY1_1001", "1001"}}


def test_decimal_commas():
    assert one_column(["4,5", "4.5"], decimal=",", **{"is": "number"})[0] == [4.5, None]


def test_record_keys_are_unique_and_hold_file_and_key(tmp_path):
    source = examples.source(tmp_path)
    rows = examples.current_rows(source)
    for spec in source.clinical:
        keys = code_records(rows[spec.name], spec, VOCABULARIES).table["record_key"].to_pylist()
        assert len(set(keys)) == len(keys)
        assert all(key.split(KEY_SEPARATOR)[0] == spec.name for key in keys)


def test_only_declared_kinds_go_on(tmp_path):
    source = examples.source(tmp_path)
    table = examples.coded(source)["patients"]
    assert set(table.column_names) == {"PatientID", "record_key", *kinds(source.file("patients"))}
    text = str(table.drop_columns(["PatientID", "record_key"]).to_pylist())
    assert "Núñez" not in text and "dolor" not in text and "desconocido" not in text


def test_identities_of_every_patient(tmp_path):
    source = examples.source(tmp_path)
    found = identities(examples.current_rows(source)["patients"], source.file("patients"))
    assert found["P1"] == {"P1", "Núñez, Ana"}


def test_unmapped_values_are_counted_per_file_and_field(tmp_path):
    source = examples.source(tmp_path)
    rows = examples.current_rows(source)["patients"]
    unmapped = code_records(rows, source.file("patients"), VOCABULARIES).unmapped.to_pylist()
    assert [(row["field"], row["vocabulary"], row["value"], row["rows"]) for row in unmapped] == [
        ("diagnosis", "cancer_condition", "desconocido", 1),
        ("psa", "number", "1.234", 1),
    ]


def test_spellings_of_images_without_a_code_are_listed_by_series(tmp_path):
    rows = [
        examples.instance(n, "P1", "S1", f"S1.R{n}", BodyPartExamined=part, Manufacturer=maker)
        for n, (part, maker) in enumerate(
            [("TORAX", "ACME"), ("XYZ", "SIEMENS"), ("XYZ", "NOBODY"), (None, None)]
        )
    ]
    table = unmapped_images(examples.instances(rows), examples.source(tmp_path), VOCABULARIES)
    assert [(row["field"], row["value"], row["rows"]) for row in table.to_pylist()] == [
        ("BodyPartExamined", "XYZ", 2),
        ("Manufacturer", "NOBODY", 1),
    ]


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ({"is": "date", "format": "%d/%m/%Y"}, ["2020-04-03"] * 9 + ["03/04/2020", None], (2, 1)),
        ({"is": "date", "format": "%d/%m/%Y"}, ["2020-04-03"] * 8 + ["03/04/2020"] * 2, (2, 0)),
        ({"is": "number"}, ["1,5", "2,5"], (2, 1)),
        ({"is": "number"}, [None, None], (1, 0)),
        ({"is": "code", "vocabulary": "birth_sex"}, ["?"], (1, 0)),
    ],
)
def test_a_column_is_unreadable_from_nine_cells_of_ten_on(column, cells, expected):
    """The key `n` is a column of whole numbers too."""
    table, spec = one_table(cells), one_spec(column)
    unmapped = code_records(table, spec, VOCABULARIES).unmapped
    assert unreadable_columns(given_cells(table, spec), unmapped, spec) == expected
    others = unmapped.set_column(0, "file", pa.array(["another"] * len(unmapped), pa.string()))
    assert unreadable_columns(given_cells(table, spec), others, spec)[1] == 0
