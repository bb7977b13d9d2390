"""Sketches of the released objects: which frames are sampled, which are made anew, what of them crosses.

They are made from the objects in the store, so that older ones get theirs when a source contract asks for it;
one more reading of the sampled objects costs less than to de-identify them
again. The book of sketches keeps them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from typing import Any, NamedTuple

from eucaim_pipelines.deidentification.pixels import likeness
from eucaim_pipelines.deidentification.pixels.likeness import Sketched
from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines.ingest.chunks import chunked
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.ingest.sketch_book import SketchBook, Sketches
from eucaim_pipelines.release.store import ObjectStore

SAMPLED = 8
"""Frames of a series that are sketched at most, spread evenly."""


class Sampled(NamedTuple):
    """Frame (from 0) of a released object."""

    made: MadeObject
    frame: int

    @property
    def name(self) -> tuple[str, int]:
        """What its sketch is remembered by."""
        return self.made.object_sha256 or "", self.frame


Likenesses = Mapping[str, dict[str, Any]]
"""Per released series `near_duplicate_group` (null without) and `frames_compared`: what crosses."""


def compared(
    book: SketchBook, made: Iterable[MadeObject], at_least: float, store: ObjectStore, executor: Executor
) -> Likenesses:
    """Sketch what was not sketched before, and compare all series of images with each other.

    A frame without sketch is not compared, and neither is a series that has none.
    """
    samples = _samples(made)
    wanted = {each.name: each for some in samples.values() for each in some}
    known = book.read(likeness.VERSION)
    missing = [each for name, each in wanted.items() if name not in known]
    known |= _sketch_all(book, missing, store, executor)
    series = [_sketched(some, known) for some in samples.values()]
    groups = likeness.groups([each for each in series if each.frames], at_least)
    return {
        each.series: {"near_duplicate_group": groups.get(each.series), "frames_compared": len(each.frames)}
        for each in series
    }


def _samples(made: Iterable[MadeObject]) -> dict[str, list[Sampled]]:
    """Sampled frames of each series of images, in the order of their numbers."""
    series: dict[str, dict[str, MadeObject]] = defaultdict(dict)
    for item in made:
        if item.row is not None and item.key and sop_classes.kind(item.row["SOPClassUID"] or "") == "image":
            series[str(item.row["SeriesInstanceUID"])][item.key] = item
    return {name: _spread(list(series[name].values())) for name in sorted(series)}


def _spread(items: list[MadeObject]) -> list[Sampled]:
    items.sort(key=lambda item: (_row(item)["InstanceNumber"] or 0, str(_row(item)["SOPInstanceUID"])))
    counts = [max(_row(item)["NumberOfFrames"] or 1, 1) for item in items]
    total = sum(counts)
    chosen = (
        {(2 * n + 1) * total // (2 * SAMPLED) for n in range(SAMPLED)} if total > SAMPLED else range(total)
    )
    found, before = [], 0
    for item, count in zip(items, counts, strict=True):
        found += [Sampled(item, n - before) for n in sorted(chosen) if before <= n < before + count]
        before += count
    return found


def _row(item: MadeObject) -> Mapping[str, Any]:
    return item.row or {}


def _sketched(some: Sequence[Sampled], known: Sketches) -> Sketched:
    row = _row(some[0].made)
    frames = [sketch for sketch in (known.get(each.name) for each in some) if sketch is not None]
    return Sketched(str(row["SeriesInstanceUID"]), str(row["PatientID"]), frames)


def _sketch_all(
    book: SketchBook, missing: Sequence[Sampled], store: ObjectStore, executor: Executor
) -> dict[tuple[str, int], bytes | None]:
    by_object: dict[str, list[int]] = defaultdict(list)
    items = {each.name[0]: each.made for each in missing}
    for each in missing:
        by_object[each.name[0]].append(each.frame)
    work = [(items[name].key or "", name, sorted(frames)) for name, frames in sorted(by_object.items())]
    parts = chunked(work, lambda one: items[one[1]].bytes or 0)
    made: dict[tuple[str, int], bytes | None] = {}
    for future in as_completed([executor.submit(sketch_chunk, store, part) for part in parts]):
        book.keep(likeness.VERSION, future.result())
        made |= future.result()
    return made


def sketch_chunk(
    store: ObjectStore, part: Sequence[tuple[str, str, list[int]]]
) -> dict[tuple[str, int], bytes | None]:
    """Sketches of some objects (key, hash, frames), by hash and frame; runs in a worker process."""
    from eucaim_pipelines.deidentification.pixels.sketches import (
        sketches,
    )  # decoders load where they are used

    made: dict[tuple[str, int], bytes | None] = {}
    for key, name, frames in part:
        data = store.get(key)
        if data is not None:
            made |= {
                (name, frame): found for frame, found in zip(frames, sketches(data, frames), strict=True)
            }
    return made
