"""Tables in the shapes of public ones come in by YAML alone; nothing of them is lost silently."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from eucaim_pipelines.cdm.coding import Coded, code_records, given_cells, pointers
from eucaim_pipelines.contracts.sources import SourceContract, load_source
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.ingest.clinical_files import Combined, Reception, combine, read
from eucaim_pipelines_tests.cdm.public_cohorts import COHORTS
from eucaim_pipelines_tests.cdm.public_registries import REGISTRIES

VOCABULARIES = load_all()
SHAPES = (*COHORTS, *REGISTRIES)
EVERY = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name.partition(":")[0])


SHAPE_OF = {shape.name: shape for shape in SHAPES}


@cache
def source_of(name: str) -> SourceContract:
    """Read once: every reading checks all contracts."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "public.yaml"
        text = f"dataset_id: public\ntier: 1\nclinical:{SHAPE_OF[name].contract}"
        path.write_text(text, encoding="utf-8")
        return load_source(path)


@cache
def brought_in(name: str) -> dict[str, tuple[Combined, Coded]]:
    shape, found = SHAPE_OF[name], {}
    for spec in source_of(name).files_for(shape.file):
        combined = combine([Reception("export", shape.file, read(shape.content, spec))], spec)
        found[spec.name] = combined, code_records(combined.rows, spec, VOCABULARIES)
    return found


@EVERY
def test_what_stands_in_a_public_table_becomes_coded_columns(shape):
    source = source_of(shape.name)
    found = {name: coded.table for name, (_, coded) in brought_in(shape.name).items()}
    assert found.keys() == shape.coded.keys() == {spec.name for spec in source.clinical}
    for name, columns in shape.coded.items():
        assert {field: found[name][field].to_pylist() for field in columns} == columns


@EVERY
def test_what_does_not_map_is_listed_and_counted(shape):
    found = brought_in(shape.name).values()
    unmapped = [row for _, coded in found for row in coded.unmapped.to_pylist()]
    assert sorted((row["field"], row["value"]) for row in unmapped) == sorted(shape.unmapped)
    less_exact = [row for _, coded in found for row in coded.less_exact.to_pylist()]
    assert [(row["field"], row["why"]) for row in less_exact] == shape.less_exact
    fates: dict[str, int] = {}
    for combined, _ in found:
        fates |= combined.counts()
    fates.pop("ROW_CURRENT")
    assert fates == shape.refused


@EVERY
def test_every_given_cell_is_a_value_or_unmapped_or_said_to_be_none(shape):
    source = source_of(shape.name)
    for spec in source.clinical:
        combined, coded = brought_in(shape.name)[spec.name]
        values = sum(len(coded.table) - coded.table[name].null_count for name in spec.fields)
        lost = sum(coded.unmapped["rows"].to_pylist())
        assert values + lost <= sum(given_cells(combined.rows, spec).values())


@EVERY
def test_records_keep_their_line(shape):
    source = source_of(shape.name)
    for spec in source.clinical:
        combined, coded = brought_in(shape.name)[spec.name]
        at = pointers(combined.rows, spec)
        assert at["record_key"].to_pylist() == coded.table["record_key"].to_pylist()
        assert len(set(at["record_key"].to_pylist())) == len(at)
        assert set(at["line"].to_pylist()) == set(combined.rows["#line"].to_pylist())


def test_rows_that_come_from_one_cell_point_to_one_line():
    shape = next(shape for shape in SHAPES if shape.name.startswith("registry"))
    source = source_of(shape.name)
    combined, _ = brought_in(shape.name)["lines"]
    assert pointers(combined.rows, source.file("lines"))["line"].to_pylist() == [4, 4, 5, 6, 6]


def test_the_unit_of_a_number_is_filled_beside_it():
    shape = next(shape for shape in SHAPES if shape.name.startswith("liver"))
    mapping = source_of(shape.name).file("liver").tables[1]
    assert mapping.fields["tumor_marker_test_value_unit"].constant == "COM1000156"


def test_a_wide_vocabulary_is_taken_as_it_is():
    """A site may widen matching by the full ontology: coding asks the vocabulary that it is given."""
    shape = next(shape for shape in SHAPES if shape.name.startswith("portal"))
    spec = source_of(shape.name).file("patients")
    own = VOCABULARIES["tumor_marker_value"]
    wider = replace(own, aliases={**own.aliases, "moderate": "COM1002034"})
    rows = combine([Reception("e", "f", read(shape.content, spec))], spec).rows
    coded = code_records(rows, spec, {**VOCABULARIES, "tumor_marker_value": wider})
    assert coded.table["cellularity"].to_pylist()[2] == "COM1002034"
    assert coded.unmapped.num_rows == 0
