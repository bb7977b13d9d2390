"""De-identifying a folder or archive: every input has its row, and rules over many files hold.

The command itself is tested in `cli/test_deidentify.py`.
"""

import csv
import gzip
import os
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.one_off.folder import MAX_FILE_BYTES, Summary, deidentify_all
from eucaim_pipelines.deidentification.one_off.inputs import Inputs, Reader
from eucaim_pipelines.deidentification.one_off.target import LedgerFile
from eucaim_pipelines.errors import DataError, MachineError, Refusal, SettingsError
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.settings import Settings
from eucaim_pipelines_tests.deidentification.objects import PLANTED, planted_object, to_bytes

Row = dict[str, str]


def ct(number: int, **changes: object) -> bytes:
    """A CT object of the planted patient with an own SOPInstanceUID."""
    return to_bytes(planted_object(SOPInstanceUID=f"1.2.826.0.1.3680043.77.9.{number}", **changes))


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


class Place:
    """A folder with an input, and what becomes of it."""

    def __init__(self, folder: Path, deidentifier: Deidentifier) -> None:
        self.folder, self.deidentifier = folder, deidentifier
        self.source, self.out, self.ledger = folder / "in", folder / "out", folder / "ledger.csv"

    def run(self, source: Path | None = None, **options: object) -> dict[str, Row]:
        """De-identify, read back every output, and give the ledger's rows by input."""
        options = {"read_all": True, "deidentifier": self.deidentifier} | options
        self.summary: Summary = deidentify_all(source or self.source, self.out, self.ledger, **options)
        with self.ledger.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len({row["input"] for row in rows}) == len(rows) == self.summary.inputs
        outputs = {row["output"] for row in rows if row["output"]}
        assert {str(p.relative_to(self.out)) for p in self.out.rglob("*") if p.is_file()} == outputs
        return {row["input"]: row for row in rows}

    def read(self, row: Row) -> Dataset:
        return dcmread(self.out / row["output"])

    def untouched(self) -> bool:
        """Whether nothing is left of a run: no output, no ledger, no half-written file."""
        return sorted(self.folder.iterdir()) == [self.source]


@pytest.fixture
def place(tmp_path: Path, deidentifier: Deidentifier) -> Place:
    (tmp_path / "in").mkdir()
    return Place(tmp_path, deidentifier)


def fates(rows: Mapping[str, Row]) -> dict[str, str]:
    return {name: row["reason"] for name, row in rows.items()}


def test_every_input_has_one_row_whatever_it_is(place: Place) -> None:
    """All kinds of bad input beside a good one: none is lost, none stops the others."""
    source = fill(
        place.source,
        {
            "good.dcm": ct(1),
            "empty": b"",
            "notes, of Quintanilla.txt": b"no image",
            "cut.dcm": ct(2)[:-10],
            "large.dcm": ct(3) + bytes(20_000),
            "deep/er/no class.dcm": ct(4, SOPClassUID="1.2.3"),
            "anonymous.dcm": ct(5, StudyInstanceUID=""),
            "line\nbreak.dcm": ct(6),
            "burned.dcm": ct(7, BurnedInAnnotation="YES"),
            "damaged.zip": b"PK no archive",
            "more.tar.gz": gzip.compress(ct(10)),
        },
    )
    (source / "link.dcm").symlink_to(source / "good.dcm")
    (source / "dangling").symlink_to(source / "nothing")
    (source / "loop").symlink_to(source)
    (source / "nowhere").mkdir()
    os.mkfifo(source / "pipe")
    (Path(os.fsdecode(os.fsencode(source) + b"/\xff.dcm"))).write_bytes(ct(8))
    with zipfile.ZipFile(source / "more.zip", "w") as archive:
        archive.writestr("a/in zip.dcm", ct(9))
        archive.writestr("a/text", b"no image")
        archive.writestr("a/folder/", b"")
    with zipfile.ZipFile(source / "none.zip", "w"):
        pass
    found = place.run(limit=10_000)
    assert fates(found) == {
        "good.dcm": "DEIDENTIFIED",
        "empty": "NOT_DICOM",
        "notes, of Quintanilla.txt": "NOT_DICOM",
        "cut.dcm": "TRUNCATED",
        "large.dcm": "TOO_LARGE",
        "deep/er/no class.dcm": "SOP_CLASS_NOT_ALLOWED",
        "anonymous.dcm": "MISSING_UID",
        "line\nbreak.dcm": "DEIDENTIFIED",
        "burned.dcm": "BURNED_IN_RISK",
        "damaged.zip": "ARCHIVE_DAMAGED",
        "more.tar.gz": "ARCHIVE_COMPRESSED",
        "link.dcm": "LINK",
        "dangling": "LINK",
        "loop": "LINK",
        "pipe": "NOT_A_FILE",
        "\\xff.dcm": "DEIDENTIFIED",
        "more.zip/a/in zip.dcm": "DEIDENTIFIED",
        "more.zip/a/text": "NOT_DICOM",
        "none.zip": "NOT_DICOM",
    }
    known = load_reasons(contracts_folder() / "reasons.csv")
    assert all(known[row["reason"]].disposition == row["disposition"] for row in found.values())
    assert sum(place.summary.counts.values()) == len(found)
    assert not any(word.encode() in p.read_bytes() for p in place.out.rglob("*.dcm") for word in PLANTED)


def test_a_file_that_is_gone_when_its_turn_comes_is_unreadable(place: Place) -> None:
    inputs = Inputs(fill(place.source, {"a": ct(1)}))
    (place.source / "a").unlink()
    with pytest.raises(Refusal) as refused:
        Reader(inputs.sources, MAX_FILE_BYTES).read(inputs.inputs[0])
    assert refused.value.reason == "UNREADABLE"


def test_outputs_lie_under_their_new_identifiers(place: Place) -> None:
    fill(place.source, {"a.dcm": ct(1), "b.dcm": ct(2, SeriesInstanceUID="1.2.9")})
    for row in place.run().values():
        ds = place.read(row)
        assert row["output"].split("/")[:3] == [ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID]
    assert place.ledger.stat().st_mode & 0o777 == 0o600


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_workers_and_archives_do_not_change_a_byte(place: Place, tmp_path: Path) -> None:
    files = {
        f"s{n % 3}/{n}.dcm": ct(n, PatientID=f"HOSP-{n % 4}", SeriesInstanceUID=f"1.2.{n % 4}")
        for n in range(150)
    }
    fill(place.source, files | {"x.txt": b"no image"})
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in reversed(files):
            zipped.writestr(name, files[name])
        zipped.writestr("x.txt", b"no image")
    with tarfile.open(tmp_path / "in.TAR", "w") as tarred:
        tarred.add(place.source, ".")
    runs = []
    for source, workers in (
        (place.source, 1),
        (place.source, 2),
        (tmp_path / "in.zip", 2),
        (tmp_path / "in.TAR", 1),
    ):
        rows = place.run(source, workers=workers, read_all=False)
        runs.append(({n.removeprefix("./"): list(r.values())[1:] for n, r in rows.items()}, tree(place.out)))
        place.ledger.unlink()
        place.out.rename(tmp_path / f"out{len(runs)}")
    assert len(runs[0][1]) == 150
    assert all(run == runs[0] for run in runs)


def test_equal_contents_are_published_once(place: Place) -> None:
    """The first by path, whether the file is equal or only what follows its file meta group."""
    other_meta = bytearray(ct(1))
    other_meta[:11] = b"another one"
    found = place.run(fill(place.source, {"b/1": ct(1), "a/2": ct(1), "c/3": bytes(other_meta), "d": ct(2)}))
    assert fates(found) == {
        "a/2": "DEIDENTIFIED",
        "b/1": "SAME_CONTENT",
        "c/3": "SAME_CONTENT",
        "d": "DEIDENTIFIED",
    }
    assert not found["b/1"]["output"]


def test_the_first_of_equal_contents_is_the_first_by_path_in_archives_too(place: Place) -> None:
    with zipfile.ZipFile(place.source / "in.zip", "w") as archive:
        for name in ("c", "b", "a"):
            archive.writestr(name, ct(1))
    found = fates(place.run(place.source / "in.zip"))
    assert found == {"a": "DEIDENTIFIED", "b": "SAME_CONTENT", "c": "SAME_CONTENT"}


def test_two_contents_of_one_instance_hold_their_series(place: Place) -> None:
    files = {
        "1": ct(1),
        "1 again": ct(1, Rows=2, PixelData=bytes(16)),
        "2": ct(2),
        "3": ct(3, SeriesInstanceUID="1.9"),
    }
    found = fates(place.run(fill(place.source, files)))
    assert found == {"1": "UID_CONFLICT", "1 again": "UID_CONFLICT", "2": "UID_CONFLICT", "3": "DEIDENTIFIED"}


def test_a_series_of_two_patients_is_held(place: Place) -> None:
    files = {"1": ct(1), "2": ct(2, PatientID="SOMEBODY"), "3": ct(3, SeriesInstanceUID="1.9", PatientID="")}
    found = fates(place.run(fill(place.source, files)))
    assert found == {"1": "TWO_PATIENTS", "2": "TWO_PATIENTS", "3": "DEIDENTIFIED"}


@pytest.mark.parametrize("workers", [1, 2])
def test_who_reaches_90_anywhere_is_90_everywhere(place: Place, workers: int) -> None:
    """Told by a later study, or by an object that itself stays behind; others keep their age."""
    old, older, young = ({"PatientID": name, "SeriesInstanceUID": f"1.2.{name}"} for name in "123")
    files = {
        "old before": ct(1, PatientAge="084Y", **old),
        "old after": ct(2, PatientAge="091Y", StudyDate="20260604", **old),
        "older before": ct(3, PatientAge="085Y", PatientBirthDate="", **older),
        "older, risky": ct(
            4, PatientAge="092Y", BurnedInAnnotation="YES", **older | {"SeriesInstanceUID": "1.3"}
        ),
        "young": ct(5, PatientAge="055Y", **young),
    }
    found = place.run(fill(place.source, files), workers=workers)
    ages = {name: place.read(row).PatientAge for name, row in found.items() if row["output"]}
    assert ages == {"old before": "090Y", "old after": "090Y", "older before": "090Y", "young": "055Y"}


def test_an_image_without_issuer_belongs_to_the_only_one_of_its_patient(place: Place) -> None:
    files = {
        "with": ct(1, PatientID="A", SeriesInstanceUID="1.1", IssuerOfPatientID="WEST"),
        "without": ct(2, PatientID="A", SeriesInstanceUID="1.2"),
        "contested": ct(3, PatientID="B", SeriesInstanceUID="1.3"),
        "contested west": ct(4, PatientID="B", SeriesInstanceUID="1.4", IssuerOfPatientID="WEST"),
        "contested east": ct(5, PatientID="B", SeriesInstanceUID="1.5", IssuerOfPatientID="EAST"),
    }
    found = place.run(fill(place.source, files))
    people = {name: row["output"].split("/")[0] for name, row in found.items()}
    assert people["with"] == people["without"]
    assert len(set(people.values())) == 4


def test_what_is_made_again_leaves_no_trace_of_the_first_time(place: Place) -> None:
    """`run` holds the outputs against the ledger; here the first path differs from the second."""
    files = {"a": ct(1), "b": ct(2, IssuerOfPatientID="WEST", SeriesInstanceUID="1.8")}
    place.run(fill(place.source, files))
    assert len(list(place.out.iterdir())) == 1


class Interrupted(BaseException):
    """Ctrl-C, as far as the library is concerned."""


def test_an_interrupted_run_leaves_nothing(place: Place) -> None:
    fill(place.source, {f"{n}": ct(n) for n in range(3)})

    def stop(done: int, total: int) -> None:
        assert any((place.out / ".unfinished").rglob("*.dcm")), "work had begun"
        raise Interrupted

    for workers in (1, 2):
        with pytest.raises(Interrupted):
            place.run(workers=workers, progress=stop)
        assert place.untouched()


class Faulty(Deidentifier):
    """Fails in one object, as a fault of ours would."""

    def deidentify_verified(self, data: bytes, subject: object) -> Deidentified:
        if data == ct(2):
            raise ValueError("Quintanilla")
        return super().deidentify_verified(data, subject)  # type: ignore[arg-type]


class Deadly(Deidentifier):
    """Takes its process down."""

    def deidentify_verified(self, data: bytes, subject: object) -> Deidentified:
        os._exit(9)


def test_a_fault_of_ours_in_one_object_holds_this_object_only(place: Place, pseudonyms: Pseudonyms) -> None:
    fill(place.source, {"1": ct(1), "2": ct(2)})
    found = place.run(deidentifier=Faulty(place.deidentifier.profile, pseudonyms))
    assert fates(found) == {"1": "DEIDENTIFIED", "2": "ENGINE_FAILED"}


def test_a_worker_that_dies_stops_the_run_and_nothing_is_published(
    place: Place, pseudonyms: Pseudonyms
) -> None:
    fill(place.source, {"1": ct(1), "2": ct(2)})
    with pytest.raises(MachineError):
        place.run(workers=2, deidentifier=Deadly(place.deidentifier.profile, pseudonyms))
    assert place.untouched()


def test_wrong_places_stop_the_run_before_anything_is_written(place: Place, tmp_path: Path) -> None:
    fill(place.source, {"1": ct(1)})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "link").symlink_to(place.source)
    wrong = [
        (place.source, place.source / "out", place.ledger),
        (place.source, tmp_path, place.ledger),
        (place.source, tmp_path / "link" / "out", place.ledger),
        (place.source, place.out, place.out / "ledger.csv"),
        (place.source, place.out, place.source / "ledger.csv"),
        (place.source, place.out, tmp_path / "full" / "file"),
        (place.source, place.out, tmp_path / "nowhere" / "ledger.csv"),
        (place.source, tmp_path / "full", place.ledger),
        (place.source, tmp_path / "full" / "file", place.ledger),
        (tmp_path / "full" / "file", place.out, place.ledger),
        (tmp_path / "nothing.zip", place.out, place.ledger),
    ]
    before = sorted(tmp_path.rglob("*"))
    for source, out, ledger in wrong:
        with pytest.raises(SettingsError):
            deidentify_all(source, out, ledger, place.deidentifier)
        assert sorted(tmp_path.rglob("*")) == before


def test_out_is_looked_at_before_the_ledger(place: Place) -> None:
    fill(place.source, {"1": ct(1)})
    place.run()
    with pytest.raises(SettingsError, match="OUT is not empty"):
        place.run()
    (place.folder / "elsewhere").mkdir()
    place.out = place.folder / "elsewhere"
    with pytest.raises(SettingsError, match=re.escape(f"The ledger {place.ledger} is there already")):
        place.run()


def test_where_nothing_is_published_there_is_no_out(place: Place) -> None:
    fill(place.source, {"notes.txt": b"no image"})
    assert fates(place.run()) == {"notes.txt": "NOT_DICOM"}
    assert not place.out.exists()
    place.ledger.unlink()
    place.out.mkdir()
    place.run()
    assert place.out.is_dir(), "it was there before"


def test_a_killed_runs_half_written_ledger_is_taken_over(place: Place) -> None:
    partial = place.folder / "ledger.csv.partial"
    partial.write_text("half a row of another length" * 99, encoding="ascii")
    partial.chmod(0o644)
    assert fates(place.run(fill(place.source, {"1": ct(1)}))) == {"1": "DEIDENTIFIED"}
    assert not partial.exists()
    assert place.ledger.stat().st_mode & 0o777 == 0o600


def test_two_runs_never_write_one_ledger(place: Place) -> None:
    with LedgerFile(place.ledger), pytest.raises(MachineError, match="Another run writes the ledger"):
        place.run(fill(place.source, {"1": ct(1)}))
    assert not place.out.exists()


def test_an_empty_folder_is_the_datas_fault(place: Place) -> None:
    with pytest.raises(DataError):
        place.run()
    assert place.untouched()


def test_the_limit_is_that_of_the_settings() -> None:
    assert Settings.model_fields["max_file_bytes"].default == MAX_FILE_BYTES
