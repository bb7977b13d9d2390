"""Converting annotations of a dataset: remembered by what goes in, one object beside those delivered."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from eucaim_pipelines.annotations.problems import Problem
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.release import conversions
from eucaim_pipelines.release.conversions import Conversion, Converting
from eucaim_pipelines.release.object_tables import annotations_table, instances_table
from eucaim_pipelines.release.objects import object_key
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.annotations.drawings import LABELS, PATIENT, Drawn, Roi
from eucaim_pipelines_tests.annotations.test_polygons import BOW_TIE, SQUARE
from eucaim_pipelines_tests.deidentification.objects import to_bytes

KEY = Pseudonyms(SiteKey(bytes(range(32))))


class Dataset:
    """Released objects in a store, and conversions of their annotations, counted."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.store, self.worked = folder, FolderStore(folder / "release"), []
        real = conversions.convert_one
        monkeypatch.setattr(conversions, "convert_one", lambda *args: self.worked.append(1) or real(*args))
        self.converting = Converting(self.store, "ct", KEY, LABELS)

    def put(self, *objects):
        return [self._put(ds) for ds in objects]

    def _put(self, ds):
        data = to_bytes(ds)
        row, digest = dict(examine(data).row), hashlib.sha256(data).hexdigest()
        key = object_key("ct", row, digest)
        self.store.put(key, data)
        return MadeObject(digest, PATIENT, key=key, bytes=len(data), object_sha256=digest, row=row)

    def convert(self, made, converting=None):
        with Ledger(self.folder / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as pool:
            return conversions.convert(
                ledger, made, converting or self.converting, pool, lambda done, total: None
            )


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    return Dataset(tmp_path, monkeypatch)


def drawn(points=SQUARE):
    return Drawn([Roi([(1, points)])])


def test_a_segmentation_lies_beside_what_was_delivered(dataset):
    case = drawn()
    made = dataset.put(*case.images.values(), case.source)
    [(source, converted)] = dataset.convert(made)
    assert source.key == made[-1].key
    assert dataset.store.size(converted.key) == converted.bytes
    table = instances_table(dict(enumerate(made)), KEY, [Conversion(source, converted)])
    rows = {row["object_key"]: row for row in table.to_pylist()}
    assert len(rows) == len(made) + 1
    assert rows[converted.key]["derived_from"] == source.key
    assert rows[source.key]["derived_from"] is None
    assert rows[converted.key]["source_digest"] == rows[source.key]["source_digest"]
    [told] = annotations_table([Conversion(source, converted)], KEY).to_pylist()
    assert (told["problems"], told["object_key"]) == ([], converted.key)
    assert told["source_digests"] == [rows[source.key]["source_digest"]]
    assert made[-1].row["SOPInstanceUID"] in rows[converted.key]["referenced_sop_instance_uids"]


def test_nothing_is_converted_twice_and_a_lost_object_comes_again_with_the_same_bytes(dataset):
    case = drawn()
    made = dataset.put(*case.images.values(), case.source)
    [first] = dataset.convert(made)
    assert [first] == dataset.convert(made)
    assert len(dataset.worked) == 1
    path = dataset.folder / "release" / first.made.key
    before = path.read_bytes()
    path.unlink()
    assert [first] == dataset.convert(made)
    assert path.read_bytes() == before


def test_another_image_another_key_and_other_words_convert_anew(dataset):
    case = drawn()
    made = dataset.put(*case.images.values(), case.source)
    dataset.convert(made)
    other = replace(dataset.converting, pseudonyms=Pseudonyms(SiteKey(bytes(32))))
    [(_, again)] = dataset.convert(made, other)
    assert len(dataset.worked) == 2
    assert again.row["SOPInstanceUID"] != dataset.convert(made)[0].made.row["SOPInstanceUID"]
    words = replace(LABELS, aliases={**LABELS.aliases, "new": "BP1000021"})
    dataset.convert(made, replace(dataset.converting, labels=words))
    assert len(dataset.worked) == 3
    changed = [replace(each, object_sha256="0" * 64) if n == 0 else each for n, each in enumerate(made)]
    dataset.convert(changed)
    assert len(dataset.worked) == 4


def test_what_stands_in_the_way_is_told_by_region_and_remembered(dataset):
    case = drawn(BOW_TIE)
    made = dataset.put(*case.images.values(), case.source)
    [(source, refused)] = dataset.convert(made)
    assert refused.key is None and refused.refusal == conversions.NOT_CONVERTIBLE
    assert refused.actions == (("(3006,0039)", "region 1", "CROSSING", 1),)
    dataset.convert(made)
    assert len(dataset.worked) == 1
    [told] = annotations_table([Conversion(source, refused)], KEY).to_pylist()
    assert (told["patient_id"], told["series_uid"]) == (PATIENT, made[-1].row["SeriesInstanceUID"])
    assert (told["problems"], told["object_key"]) == (["CROSSING"], None)


def test_an_image_that_comes_later_lets_a_structure_set_be_converted(dataset):
    case = drawn()
    made = dataset.put(*case.images.values(), case.source)
    [(_, refused)] = dataset.convert(made[1:])
    assert [what for _, _, what, _ in refused.actions] == [Problem.IMAGES_MISSING.value]
    [(_, converted)] = dataset.convert(made)
    assert converted.key is not None


def test_a_structure_set_that_breaks_the_reader_stops_no_other(dataset):
    good, bad = drawn(), drawn()
    bad.source.SOPInstanceUID = "2.25.30"
    del bad.source.ROIContourSequence[0].ReferencedROINumber
    made = dataset.put(*good.images.values(), good.source, bad.source)
    found = {each.source.key: each.made for each in dataset.convert(made)}
    assert found[made[-2].key].key is not None
    assert [what for _, _, what, _ in found[made[-1].key].actions] == [Problem.UNREADABLE.value]


def test_a_store_that_lost_an_image_is_no_fault_of_the_annotation(dataset):
    case = drawn()
    made = dataset.put(*case.images.values(), case.source)
    (dataset.folder / "release" / made[1].key).unlink()
    with pytest.raises(DataError):
        dataset.convert(made)
