"""The tree of a Tier 3 release as others see it: EUCAIM's file structure, its tables, and real DICOM."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import highdicom
import pydicom
import pytest

from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.release import file_structure, subset
from eucaim_pipelines_tests.reference import file_structure as reader
from eucaim_pipelines_tests.whole.conftest import Run

pytestmark = pytest.mark.xdist_group("clean")
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "bool": lambda cell: {"true": True, "false": False}[cell],
    "date32[day]": date.fromisoformat,
    "double": float,
    "string": str,
}


@pytest.fixture(scope="module")
def trees(clean_demo: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every demo dataset's tree, laid out by the command."""
    found = {}
    for dataset in clean_demo.truth:
        found[dataset] = tmp_path_factory.mktemp("trees") / dataset
        ran = clean_demo.site.eucaim("materialise", dataset, str(found[dataset]))
        assert ran.code == 0 and "all verified" in ran.text, ran.text
    return found


def test_a_reader_that_knows_only_the_structure_reads_it(trees: dict[str, Path], clean_demo: Run) -> None:
    for dataset, tree in trees.items():
        structure = reader.read(tree)
        truth = clean_demo.truth[dataset]
        assert sum(map(len, structure.images.values())) == truth["instances"] + truth["conversions"]


def test_every_csv_file_gives_the_table_that_it_came_from(trees: dict[str, Path], clean_demo: Run) -> None:
    contracts = load_tables()
    for dataset, tree in trees.items():
        for path in sorted((tree / "clinical_data").iterdir()):
            table = clean_demo.site.table(dataset, 3, path.stem)
            texts = subset.read_texts(path.read_bytes())
            assert texts.column_names == list(contracts[path.stem].cdm_columns)
            for name in texts.column_names:
                assert (
                    back(texts[name].to_pylist(), table.schema.field(name).type) == table[name].to_pylist()
                ), name


def back(cells: list[str | None], kind: Any) -> list[Any]:
    read = _FROM_TEXT.get(str(kind), int)
    return [None if cell is None else read(cell) for cell in cells]


def test_images_open_in_pydicom_and_segmentations_in_highdicom(trees: dict[str, Path]) -> None:
    segmentations = 0
    for tree in trees.values():
        for (patient, study, series), paths in reader.read(tree).images.items():
            image = pydicom.dcmread(paths[0])
            told = (image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID)
            assert told == (patient, study, series)
            if image.Modality == "SEG":
                segmentations += highdicom.seg.segread(paths[0]).number_of_segments > 0
    assert segmentations


def test_only_the_columns_of_the_views_are_in_them(trees: dict[str, Path]) -> None:
    assert set(reader.VIEWS) == {"clinical_mandatory_view", "imaging_mandatory_view"}
    for name, columns in reader.VIEWS.items():
        for tree in trees.values():
            assert list(reader.rows(tree / f"{name}.csv")[0]) == list(columns)
    assert reader.VIEWS["clinical_mandatory_view"] == file_structure._CLINICAL_VIEW


def test_chosen_patients_are_a_structure_too(trees: dict[str, Path], clean_demo: Run, tmp_path: Path) -> None:
    for dataset, tree in trees.items():
        chosen = sorted(row["patient_id"] for row in reader.rows(tree / "clinical_mandatory_view.csv"))[:7]
        (tmp_path / "patients").write_text("\n".join(chosen) + "\n")
        args = ("materialise", dataset, str(tmp_path / dataset), "--patients", str(tmp_path / "patients"))
        assert clean_demo.site.eucaim(*args).code == 0
        part, whole = reader.read(tmp_path / dataset), reader.read(tree)
        assert [row["patient_id"] for row in part.views["clinical_mandatory_view"]] == chosen
        assert part.images.keys() == {each for each in whole.images if each[0] in chosen}
        for name, rows in part.tables.items():
            assert all(row in whole.tables[name] for row in rows), name
            assert {row.get("patient_id", chosen[0]) for row in rows} <= set(chosen), name
