"""Near-duplicate series: what is found, what is not, what is sketched when, and what may cross."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.pixels import likeness
from eucaim_pipelines.deidentification.pixels.likeness import Sketched
from eucaim_pipelines.deidentification.pixels.sketches import sketches
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.ingest.sketch_book import SketchBook
from eucaim_pipelines.release import sketched
from eucaim_pipelines.release.object_tables import instances_table
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.deidentification.objects import to_bytes
from eucaim_pipelines_tests.deidentification.pictures import US, image

AT_LEAST = 0.95


def anatomy(seed: int, size: int = 128) -> np.ndarray:
    """Smooth structures of several sizes (uint16, 12 bits)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    found = np.zeros((size, size))
    for _ in range(40):
        (a, b), width = random.uniform(0, 1, 2), random.uniform(0.03, 0.15)
        found += random.uniform(-1, 1) * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * width**2))
    found -= found.min()
    return (found / found.max() * 4000).astype(np.uint16)


PLAIN = anatomy(1)
NOISE = np.random.default_rng(5).normal(0, 0.2 * PLAIN.std(), PLAIN.shape)


def written(pixels: np.ndarray, syntax: str | None = None, **changes: object) -> bytes:
    """An image of these pixels as a file, compressed where a transfer syntax says so."""
    data = to_bytes(image(pixels, **changes))
    if syntax is None:
        return data
    ds, out = dcmread(BytesIO(data)), BytesIO()
    ds.compress(syntax, encoding_plugin="pydicom" if syntax == RLELossless else "")
    ds.save_as(out)
    return out.getvalue()


COPIES = {
    "rescaled": written((PLAIN // 3 + 100).astype(np.uint16)),
    "8 bits": written((PLAIN // 16).astype(np.uint8)),
    "window": written(PLAIN.clip(*np.percentile(PLAIN, [2, 98])).astype(np.uint16)),
    "shifted": written(np.roll(PLAIN, 1, axis=1)),
    "noisy": written((PLAIN + NOISE).clip(0, 5000).astype(np.uint16)),
    "negative": written(4000 - PLAIN, photometric="MONOCHROME1"),
    "coloured": written(np.stack([(PLAIN // 16).astype(np.uint8)] * 3, axis=-1), photometric="RGB"),
    "run lengths": written(PLAIN, RLELossless),
    "JPEG 2000": written(PLAIN, JPEG2000Lossless),
}


def sketch(data: bytes) -> bytes:
    (found,) = sketches(data, [0])
    assert found is not None
    return found


def grouped(*series: tuple[str, str, list[bytes]]) -> dict[str, int]:
    return likeness.groups([Sketched(*each) for each in series], AT_LEAST)


@pytest.mark.parametrize("patient", ["P1", "P2"])
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found_however_it_was_changed_and_whoever_has_it(how, patient):
    series = [("A", "P1", [sketch(written(PLAIN))]), ("B", patient, [sketch(COPIES[how])])]
    others = [(f"C{n}", patient, [sketch(written(anatomy(n)))]) for n in range(2, 20)]
    assert grouped(*series, *others) == {"A": 1, "B": 1}


def test_one_frame_that_differs_is_another_series_and_the_order_of_frames_is_none():
    frames = [sketch(written(anatomy(n))) for n in range(4)]
    other = [*frames[:3], sketch(written(anatomy(9)))]
    assert grouped(("A", "P", frames), ("B", "P", other)) == {}
    assert grouped(("B", "P", frames), ("A", "P2", frames[::-1])) == {"A": 1, "B": 1}
    assert grouped(("A", "P", frames), ("B", "P", frames[:3])) == {}


def test_frames_of_one_value_are_like_each_other_but_make_no_series_alike():
    blank, shown = sketch(written(np.full((64, 64), 7, np.uint16))), sketch(written(PLAIN))
    assert grouped(("A", "P", [blank]), ("B", "P", [blank])) == {}
    assert grouped(("A", "P", [blank, shown]), ("B", "P", [blank, shown])) == {"A": 1, "B": 1}
    assert grouped(("A", "P", [blank, shown]), ("B", "P", [shown, shown])) == {}


def test_groups_are_numbered_by_their_first_series_whatever_the_order():
    one, two = sketch(written(anatomy(1))), sketch(written(anatomy(2)))
    series = [("D", "P", [one]), ("A", "Q", [two]), ("C", "R", [two]), ("B", "P", [one])]
    assert grouped(*series) == grouped(*series[::-1]) == {"A": 1, "B": 2, "C": 1, "D": 2}


@pytest.mark.parametrize(
    "data",
    [
        written(PLAIN[:40, :40]),
        written(PLAIN, JPEG2000Lossless)[:-4000],
        written(PLAIN, photometric="PALETTE COLOR"),
        written(PLAIN, SamplesPerPixel=2),
        b"nothing",
    ],
)
def test_what_cannot_be_sketched_is_none_and_says_nothing(data, capfd):
    assert sketches(data, [0]) == [None]
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def site(tmp_path):
    """Objects in a store, a book of sketches, and what comparing them tells."""
    store = FolderStore(tmp_path / "release")
    pseudonyms = Pseudonyms(SiteKey(bytes(32)))

    def compare(*series: tuple[str, list[bytes]], at_least: float | None = AT_LEAST):
        made = {}
        for name, files in series:
            for number, data in enumerate(files, 1):
                row = {"SOPClassUID": US, "SOPInstanceUID": f"{name}.{number}", "SeriesInstanceUID": name,
                       "PatientID": "P", "InstanceNumber": number, "NumberOfFrames": None}  # fmt: skip
                key, digest = f"ct/{name}/{number}.dcm", sha256(data).hexdigest()
                store.put(key, data)
                made[len(made)] = MadeObject(
                    digest, "P", key=key, bytes=len(data), object_sha256=digest, row=row
                )
        with SketchBook(tmp_path / "sketches.sqlite") as book, ThreadPoolExecutor(2) as pool:
            told = at_least and sketched.compared(book, made.values(), at_least, store, pool)
            return instances_table(made, pseudonyms, likenesses=told or None), book.read(likeness.VERSION)

    return compare


def test_only_numbers_cross_and_sketches_stay_in_their_book(site):
    table, kept = site(("1.1", [written(PLAIN)]), ("1.2", [COPIES["noisy"]]), ("1.3", [b"nothing"]))
    assert table["near_duplicate_group"].to_pylist() == [1, 1, None]
    assert table["frames_compared"].to_pylist() == [1, 1, 0]
    assert [len(each or b"") for each in sorted(kept.values(), key=bool)] == [0, 256, 256]
    assert not any(
        value in kept.values() for column in table.columns for value in column.to_pylist() if value
    )


def test_older_objects_are_sketched_once_somebody_asks_and_not_again(site, monkeypatch):
    series = [("1.1", [written(PLAIN)]), ("1.2", [COPIES["noisy"]])]
    table, kept = site(*series, at_least=None)
    assert not kept and table["frames_compared"].null_count == table.num_rows
    assert len(site(*series)[1]) == 2
    read = []
    monkeypatch.setattr(FolderStore, "get", lambda store, key: read.append(key))
    assert site(*series)[0]["near_duplicate_group"].to_pylist() == [1, 1] and not read


def test_a_long_series_is_sampled_evenly(site):
    files = [written(anatomy(n)) for n in range(20)]
    _, kept = site(("1.1", files))
    names = [sha256(data).hexdigest() for data in files]
    assert sorted(names.index(name) for name, _ in kept) == [1, 3, 6, 8, 11, 13, 16, 18]


def test_frames_of_one_object_are_samples_as_objects_are():
    frames = np.stack([anatomy(n) for n in range(3)])
    assert sketches(written(frames), [0, 2]) == [sketch(written(anatomy(0))), sketch(written(anatomy(2)))]
