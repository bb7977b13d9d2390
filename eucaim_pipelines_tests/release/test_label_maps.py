"""Label maps on their way from landing to a released segmentation: nothing else of them leaves."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import highdicom
import numpy as np
import pytest
from pydicom import Dataset

from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.options import SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.exports import Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.reception import list_exports, receive
from eucaim_pipelines.release import label_maps, objects
from eucaim_pipelines.release.conversions import NOT_CONVERTIBLE, Converting
from eucaim_pipelines.release.object_tables import annotations_table, instances_table, searched
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.annotations import mapped
from eucaim_pipelines_tests.annotations.drawings import LABELS, Grid
from eucaim_pipelines_tests.annotations.mapped import LIMIT, as_json, segment
from eucaim_pipelines_tests.deidentification.objects import PLANTED, to_bytes

KEY = Pseudonyms(SiteKey(bytes(range(32))))
PATIENT, PSEUDONYM = "HOSP-00417733", KEY.patient("HOSP-00417733", None, None)
IMAGES, SERIES = "1.2.826.0.1.3680043.77", "1.2.826.0.1.3680043.77.3"
SOURCE = SourceContract.model_validate({"dataset_id": "ct", "tier": 3})
GRID = Grid()
NUMBERS, WHERE = mapped.voxels(GRID), mapped.affine(GRID)


def images() -> dict[str, bytes]:
    """A series as a hospital sends it, identities in it."""
    files = {}
    for number, ds in enumerate(GRID.images()):
        ds.PatientID, ds.PatientName = PATIENT, "Quintanilla^Ñuño-Überfluß"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{IMAGES}.2", SERIES
        ds.SOPInstanceUID, ds.StudyDate = f"{SERIES}.{number}", "20190604"
        files[f"{number}.dcm"] = to_bytes(ds)
    return files


def said(**changes: object) -> Dataset:
    """The JSON of an annotation of that series, identities in it."""
    series = Dataset()
    series.SeriesInstanceUID = SERIES
    ds = mapped.described(
        [segment(1, "Leber links"), segment(2, "Frau Quintanilla"),
         segment(3, SegmentDescription="bei Dr. Hölderlin")],
        PatientID=PATIENT, PatientName="Quintanilla^Ñuño-Überfluß^Δημήτριος", PatientBirthDate="19510317",
        StudyInstanceUID=f"{IMAGES}.2", SeriesInstanceUID=f"{IMAGES}.5", SOPInstanceUID=f"{IMAGES}.5.1",
        StudyDate="20190604", ContentDate="20190604", ContentCreatorName="Dr. Hölderlin",
        InstitutionName="Sanatorio Vallehermoso", SeriesDescription="Quintanilla thorax",
        AccessionNumber="ACC7733991",
        DeviceSerialNumber="SN-99887766", StationName="WARD-SEVEN", PatientComments="geb. in Vallehermoso",
        ReferencedSeriesSequence=[series], **changes,
    )  # fmt: skip
    ds.private_block(0x0029, "Vallehermoso", create=True).add_new(1, "LO", "Quintanilla")
    return ds


class Landed:
    """Landing, ledger and store of one dataset, taken as far as its objects."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.store, self.worked = folder, FolderStore(folder / "release"), []
        real = label_maps.convert_one
        monkeypatch.setattr(label_maps, "convert_one", lambda *args: self.worked.append(1) or real(*args))
        maps = SourceMaps(segment_labels={"Leber links": "Liver structure"})
        deidentifier = Deidentifier(Profile.load(), KEY, maps)
        self.making = objects.Making(deidentifier, self.store, "ct", LIMIT, "key")
        self.exports: dict[str, Export] = {}

    def deliver(self, name, files):
        for path, data in files.items():
            (self.folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name / path).write_bytes(data)
        day = datetime(2026, 1, len(self.exports) + 1, tzinfo=UTC)
        self.exports.setdefault(name, Export(name, self.folder / name, "folder", day))

    def ledger(self):
        return Ledger(self.folder / "ledger.sqlite")

    def run(self, making=None, labels=LABELS):
        """As the asset does it: receive, de-identify images, convert label maps, settle."""
        making, found = making or self.making, list(self.exports.values())
        places = {"tables": self.folder / "tables", "limit": LIMIT, "progress": lambda *_: None}
        with self.ledger() as ledger, ThreadPoolExecutor(1) as pool:
            receive(ledger, found, list_exports(found), SOURCE, pool, **places)
            inventory.decide(ledger)
            accepted = [objects.Work(r, Subject(PSEUDONYM)) for r in inventory.accepted(ledger)]
            maps = ledger.label_maps()
            pairs = [w for w in accepted if (w.reception.export, w.reception.path) in maps]
            work = [w for w in accepted if w not in pairs]
            self.made = objects.make_objects(ledger, work, self.exports, making, pool, places["progress"])
            converting = Converting(self.store, "ct", making.deidentifier.pseudonyms, labels)
            self.converted = label_maps.convert(
                ledger, pairs, self.exports, self.made.values(), making, converting, pool, places["progress"]
            )
            assigned = self.made | {key: each.made for key, each in self.converted.items()}
            ledger.assign(assigned)
            absent = [w.reception.id for w in accepted if w.reception.id not in assigned]
            ledger.dispose(dict.fromkeys(absent, ("pending", "SOURCE_GONE")))
            return list(self.converted.values())

    def fates(self):
        with self.ledger() as ledger:
            return {f"{r.export}/{r.path}": (r.disposition, r.reason) for r in ledger.receptions()}


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    made = Landed(tmp_path, monkeypatch)
    made.deliver("one", images())
    return made


FILE = mapped.nifti(NUMBERS, WHERE, packed=True, planted=True)
PAIR = {"Quintanilla_mask.nii.gz": FILE, "Quintanilla_mask.json": as_json(said())}


def test_a_label_map_becomes_a_segmentation_of_the_released_images(dataset):
    dataset.deliver("one", PAIR)
    [(source, made)] = dataset.run()
    assert made.refusal is None
    found = highdicom.seg.segread(dataset.folder / "release" / made.key)
    assert (found.PatientID, found.StudyInstanceUID) == (PSEUDONYM, KEY.uid(f"{IMAGES}.2"))
    pixels = found.get_pixels_by_source_instance(
        [KEY.uid(f"{SERIES}.{n}") for n in range(3)], combine_segments=True, ignore_spatial_locations=True
    )
    assert np.array_equal(pixels, NUMBERS.T)
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["Liver structure", "SEGMENT_2", "Lung"]
    assert [item.SegmentDescription for item in found.SegmentSequence] == [
        "Liver structure",
        "SEGMENT_2",
        "Lung",
    ]
    day = KEY.shift(datetime(2019, 6, 4, tzinfo=UTC).date(), PSEUDONYM).strftime("%Y%m%d")
    assert (found.StudyDate, found.ContentDate) == (day, day)
    assert found.ReferencedSeriesSequence[0].SeriesInstanceUID == KEY.uid(SERIES) == source.series_uid


def test_nothing_of_both_files_leaves_but_voxels_and_what_the_profile_keeps(dataset):
    dataset.deliver("one", PAIR)
    [(_, made)] = dataset.run()
    stored = [path for path in (dataset.folder / "release").rglob("*") if path.is_file()]
    assert len(stored) == len(dataset.made) + 1, "the segmentation is all that is stored of a pair"
    written = [str(said()), *mapped.TEXTS.values(), mapped.OF_NIFTI_1["db_name"], mapped.EXTENSION]
    canaries = {*PLANTED, *written[1:], mapped.FILE_NAME, "Leber links", PATIENT, f"{IMAGES}.5"}
    words = {part for text in canaries for part in re.split(r"[\s^]", text) if len(part) > 4} - {"links"}
    words &= {word for word in words if any(word in text for text in (*written, mapped.FILE_NAME))}
    assert len(words) > 18
    table = annotations_table(dataset.converted.values(), KEY)
    rows = instances_table(dataset.made, KEY, list(dataset.converted.values()))
    texts = [path.read_bytes() for path in stored] + [
        str(each.to_pylist()).encode() for each in (table, rows)
    ]
    texts += [str(path).encode() for path in stored]
    for word in words:
        for text in texts:
            assert word.encode() not in text, word
            assert word.encode("utf-16-le") not in text, word
    assert mapped.WRITTEN.to_bytes(4, "little") not in (dataset.folder / "release" / made.key).read_bytes()


def test_a_second_run_does_nothing_and_a_lost_object_comes_again_with_the_same_bytes(dataset):
    dataset.deliver("one", PAIR)
    first = dataset.run()
    assert dataset.run() == first
    assert len(dataset.worked) == 1
    path = dataset.folder / "release" / first[0].made.key
    before = path.read_bytes()
    path.unlink()
    assert dataset.run() == first
    assert path.read_bytes() == before
    assert len(dataset.worked) == 2


def test_another_file_image_or_rule_converts_anew(dataset):
    dataset.deliver("one", PAIR)
    dataset.run()
    other = Deidentifier(dataset.making.deidentifier.profile, Pseudonyms(SiteKey(bytes(32))))
    dataset.run(replace(dataset.making, deidentifier=other, key_id="other"))
    assert len(dataset.worked) == 2
    dataset.run(labels=replace(LABELS, aliases={**LABELS.aliases, "new": "BP1000021"}))
    assert len(dataset.worked) == 3
    dataset.deliver("two", {"x.nii": mapped.nifti(NUMBERS[::-1].copy(), WHERE), "x.json": as_json(said())})
    [(_, made)] = dataset.run()
    assert len(dataset.worked) == 4
    assert dataset.fates()["one/Quintanilla_mask.nii.gz"] == ("duplicate", "SUPERSEDED")
    changed = images()["0.dcm"][:-2] + b"\1\1"
    dataset.deliver("three", {"0.dcm": changed})
    [(_, again)] = dataset.run()
    assert len(dataset.worked) == 5 and again.key is not None
    assert again.object_sha256 == made.object_sha256, "its header is what it was"


def test_another_grid_names_the_series_and_holds_both_files(dataset):
    moved = WHERE.copy()
    moved[0, 3] += 1
    dataset.deliver("one", {"x.nii": mapped.nifti(NUMBERS, moved), "x.json": as_json(said())})
    [conversion] = dataset.run()
    [told] = annotations_table([conversion], KEY).to_pylist()
    assert (told["patient_id"], told["series_uid"]) == (PSEUDONYM, KEY.uid(SERIES))
    assert (told["problems"], told["object_key"]) == (["OTHER_GRID"], None)
    fates = dataset.fates()
    assert fates["one/x.nii"] == fates["one/x.json"] == ("quarantined", NOT_CONVERTIBLE)
    assert fates["one/0.dcm"] == ("pending", "AWAITS_RELEASE")
    rows = instances_table(dataset.made, KEY, [conversion])
    assert rows.num_rows == 3


def test_images_that_come_later_let_it_be_converted(tmp_path, monkeypatch):
    dataset = Landed(tmp_path, monkeypatch)
    dataset.deliver("one", PAIR)
    [(source, made)] = dataset.run()
    assert [what for _, _, what, _ in made.actions] == ["IMAGES_MISSING"]
    assert source.series_uid == KEY.uid(SERIES)
    dataset.deliver("two", images())
    [(_, made)] = dataset.run()
    assert made.key is not None
    assert dataset.fates()["one/Quintanilla_mask.nii.gz"] == ("pending", "AWAITS_RELEASE")


def test_both_files_are_published_with_their_segmentation(dataset):
    dataset.deliver("one", PAIR)
    [(_, made)] = dataset.run()
    with dataset.ledger() as ledger:
        ledger.release_names([made.key])
        assert {r.path for r in ledger.became(made.key)} == set(PAIR)
        assert ("published", "RELEASED", 5) in ledger.once_released()
    fates = dataset.fates()
    assert [fates[f"one/{path}"] for path in PAIR] == [("published", "RELEASED")] * 2


@pytest.mark.parametrize("gone", PAIR)
def test_a_pair_of_which_half_is_gone_waits_unless_another_is_its_equal(dataset, gone):
    dataset.deliver("one", PAIR)
    assert dataset.run(replace(dataset.making, limit=1)) == [], "nothing is opened beyond the limit"
    (dataset.folder / "one" / gone).unlink()
    assert dataset.run() == []
    assert {dataset.fates()[f"one/{path}"] for path in PAIR} == {("pending", "SOURCE_GONE")}
    dataset.deliver("two", {"y.nii.gz": FILE, "y.json": PAIR["Quintanilla_mask.json"]})
    [(_, made)] = dataset.run()
    assert made.key is not None
    fates = dataset.fates()
    assert fates[f"one/{gone}"] == ("pending", "AWAITS_RELEASE")
    assert fates["two/y.json"] == fates["two/y.nii.gz"] == ("duplicate", "SAME_CONTENT")


@pytest.mark.parametrize("changed", PAIR)
def test_a_file_that_changed_since_it_was_read_is_not_taken_for_it(dataset, changed):
    dataset.deliver("one", PAIR)
    dataset.run(replace(dataset.making, limit=1))
    path = dataset.folder / "one" / changed
    before = path.stat()
    data = path.read_bytes()
    packed = data.startswith(b"\x1f\x8b")
    path.write_bytes(data[:4] + bytes(4) + data[8:] if packed else data.replace(b"20190604", b"20190605"))
    assert path.stat().st_size == before.st_size and path.read_bytes() != data
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert dataset.run() == [] and dataset.worked


def test_an_identity_that_comes_through_holds_the_pair(dataset, monkeypatch):
    monkeypatch.setattr(Deidentifier, "_verified", _finds)
    dataset.deliver("one", PAIR)
    dataset.run()
    assert set(dataset.fates().values()) == {("quarantined", "RESIDUAL_IDENTITY")}
    assert annotations_table(dataset.converted.values(), KEY).num_rows == 0
    assert searched(dataset.made.values(), list(dataset.converted.values())).held_back == 4


def _finds(self, data, subject):
    """The search for identities as it is when it finds one."""
    from eucaim_pipelines.errors import Refusal

    raise Refusal("RESIDUAL_IDENTITY")


def test_what_is_searched_and_made_is_counted(dataset):
    dataset.deliver("one", PAIR)
    found = searched((dataset.run(), dataset.made.values())[1], list(dataset.converted.values()))
    assert (found.objects, found.checked, found.converted, found.held_back) == (4, 3, 1, 0)


def test_a_segmentation_is_read_again_by_another_reader(dataset):
    from pydicom import dcmread

    dataset.deliver("one", PAIR)
    [(_, made)] = dataset.run()
    ds = dcmread(BytesIO(dataset.store.get(made.key)))
    assert ds.pixel_array.sum() == (NUMBERS > 0).sum()
