"""Laws of coding: typed values, nothing unmapped lost, value maps before labels."""

from datetime import date

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm.coding import KEY_SEPARATOR, code_records, identities, kinds, unmapped_images
from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines_tests.cdm import examples

VOCABULARIES = load_all()


def one_column(cells, decimal=".", **column):
    """The coded values and the unmapped table of one column."""
    spec = ClinicalFile.model_validate(
        {
            "name": "f", "files": "f.csv", "delivery": "snapshot", "decimal": decimal,
            "key": ["patient", "n"],
            "columns": {
                "P": {"field": "patient", "is": "patient_id"},
                "N": {"field": "n", "is": "integer"},
                "X": {"field": "x", **column},
            },
        }
    )  # fmt: skip
    numbers = [str(n) for n in range(len(cells))]
    coded = code_records(pa.table({"P": ["P1"] * len(cells), "N": numbers, "X": cells}), spec, VOCABULARIES)
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
    expected = {"file": "f", "field": "x", "vocabulary": column.get("vocabulary", column["is"])}
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
