"""A source whose dates are removed keeps its rows, their order and their days from diagnosis."""

from dataclasses import replace

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm import build, coding
from eucaim_pipelines_tests.cdm import examples


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return examples.source(tmp_path_factory.mktemp("source"))


def without_dates(table):
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if kind == pa.date32():
            table = table.set_column(
                table.column_names.index(name), name, pa.nulls(table.num_rows, pa.date32())
            )
    return table


@pytest.mark.parametrize(
    "name", ["cancer_condition", "procedure", "treatment", "episode", "episode_event", "image_study"]
)
def test_rows_stay_and_only_dates_go(name, source):
    dated = examples.crossed(source)
    inputs = replace(dated, records={key: without_dates(table) for key, table in dated.records.items()})
    links = without_dates(dated.links)
    empty = [None] * dated.instances.num_rows
    instances = dated.instances
    for column in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        place = instances.column_names.index(column)
        instances = instances.set_column(place, column, pa.array(empty, pa.string()))
    before, after = build(name, dated), build(name, replace(inputs, links=links, instances=instances))
    dates = [field.name for field in before.schema if field.type == pa.date32()]
    assert before.num_rows > 0
    if name == "episode_event":
        assert sorted(map(str, after.to_pylist())) == sorted(map(str, before.to_pylist()))
        return
    assert after.drop_columns(dates).equals(before.drop_columns(dates))
    assert all(after.column(column).null_count == after.num_rows for column in dates)


def test_an_identity_counts_in_every_file_of_its_patient(source):
    found = coding.all_identities(
        examples.current_rows(source),
        source.clinical,
        examples.instances([examples.instance(1, "P1", "P1.S1", "P1.S1.R1", PatientBirthDate="19510317")]),
    )
    assert {"P1", "Núñez, Ana", "19510317"} <= found["P1"]
    assert "Gil, Luis" not in found["P1"]
