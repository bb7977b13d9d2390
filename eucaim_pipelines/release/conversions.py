"""Structure sets converted to segmentations: what is new, under its final key, remembered like any object.

Everything is made from objects that were de-identified and verified, so that nothing else can enter it.
How an annotation becomes a segmentation is said in the `annotations` package; label maps, of which nothing
else is released, are converted in `label_maps`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, NamedTuple

from pydicom import Dataset, dcmread

from eucaim_pipelines.annotations import conversion
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.inventory import pixel_digest, pixels
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import DataError, Refusal, contained
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.objects import Progress, is_there, object_key
from eucaim_pipelines.release.store import ObjectStore

NOT_CONVERTIBLE = "NOT_CONVERTIBLE"
_CONTOURS = "(3006,0039)"


class Annotation(NamedTuple):
    """An annotation that was to be converted.

    Attributes
    ----------
    sha256
        Of the file that was delivered; `others` are those of files that belong to it.
    key
        Of the released object; None where nothing but the segmentation is released.
    patient_id, series_uid
        Whose it is and the series that a finding names, as released.
    """

    sha256: str
    key: str | None
    patient_id: str
    series_uid: str
    others: tuple[str, ...] = ()


class Conversion(NamedTuple):
    """An annotation and what was made of it: a segmentation, or a refusal whose actions name the problems
    (tag, region, problem, how often)."""

    source: Annotation
    made: MadeObject


@dataclass(frozen=True)
class Converting:
    """What a worker needs besides the annotation. Picklable."""

    store: ObjectStore
    dataset: str
    pseudonyms: Pseudonyms
    labels: Vocabulary

    @property
    def recipe(self) -> str:
        """Digest of code, vocabulary and key under which annotations are converted."""
        words = hashlib.sha256(repr((sorted(self.labels.aliases.items()), self.labels.labels)).encode())
        return f"segmentation:{conversion.digest()}:{words.hexdigest()[:16]}:{self.pseudonyms.key_id}"


@dataclass(frozen=True)
class _Work:
    """An annotation and the images that it refers to, as far as they are in the dataset."""

    source: MadeObject
    images: Mapping[str, MadeObject]

    @property
    def key(self) -> tuple[str, str]:
        """Identity within one recipe: digest of everything that goes in, and the person."""
        row = self.source.row or {}
        named = sorted(row["referenced_sop_instance_uids"])
        found = [(uid, self.images[uid].object_sha256 if uid in self.images else None) for uid in named]
        content = repr((self.source.object_sha256, found))
        return hashlib.sha256(content.encode()).hexdigest(), str(row["PatientID"])


def convert(
    ledger: Ledger,
    objects: Iterable[MadeObject],
    converting: Converting,
    executor: Executor,
    progress: Progress,
) -> list[Conversion]:
    """Convert every structure set among the objects that were made; what was done before is remembered."""
    work = _work([each for each in objects if each.row is not None])
    if not work:
        return []
    made = ledger.made(converting.recipe)
    seen = manifests.named(converting.store, converting.dataset)
    todo = [each for each in work if not is_there(made.get(each.key), seen, converting.store)]
    futures = [executor.submit(convert_one, each, converting) for each in todo]
    for done, future in enumerate(as_completed(futures), start=1):
        result = future.result()
        ledger.remember(converting.recipe, [result])
        made[result.sha256, result.subject] = result
        progress(done, len(todo))
    return [Conversion(_annotation(each.source), made[each.key]) for each in work]


def _annotation(source: MadeObject) -> Annotation:
    row = source.row or {}
    return Annotation(source.sha256, source.key, str(row["PatientID"]), str(row["SeriesInstanceUID"]))


def _work(objects: Sequence[MadeObject]) -> list[_Work]:
    rows = [(each, each.row or {}) for each in objects]
    sources = [(each, row) for each, row in rows if sop_classes.kind(row["SOPClassUID"]) == "rtstruct"]
    wanted = {uid for _, row in sources for uid in row["referenced_sop_instance_uids"]}
    images = {
        row["SOPInstanceUID"]: each
        for each, row in rows
        if row["SOPInstanceUID"] in wanted and sop_classes.kind(row["SOPClassUID"]) == "image"
    }
    return [
        _Work(each, {uid: images[uid] for uid in row["referenced_sop_instance_uids"] if uid in images})
        for each, row in sources
    ]


def convert_one(work: _Work, converting: Converting) -> MadeObject:
    """Convert one annotation and store what it became; runs in a worker process.

    Raises
    ------
    DataError
        The store has lost the annotation or one of its images.
    """
    sha256, subject = work.key
    base = MadeObject(sha256=sha256, subject=subject)
    return stored(base, converting, lambda: _segmentation(work, converting), _CONTOURS)


def stored(
    base: MadeObject, converting: Converting, segmentation: Callable[[], bytes], where: str
) -> MadeObject:
    """Store a segmentation under its final key, or say what stands in its way, in the element `where`."""
    try:
        with contained():
            data = segmentation()
            row = _row(data, converting.pseudonyms)
    except NotConvertibleError as error:
        return _refused(base, error, where)
    except Refusal:  # nothing that anybody thought of
        return _refused(base, NotConvertibleError.of(Problem.UNREADABLE), where)
    digest = hashlib.sha256(data).hexdigest()
    key = object_key(converting.dataset, row, digest)
    converting.store.put(key, data)
    return replace(base, key=key, bytes=len(data), object_sha256=digest, row=row)


def _segmentation(work: _Work, converting: Converting) -> bytes:
    rows = {uid: image.row or {} for uid, image in work.images.items()}
    return conversion.from_structure_set(
        read(converting.store, work.source, pixels=True),
        rows,
        lambda uid: read(converting.store, work.images[uid], pixels=False),
        converting.pseudonyms.derived_uid,
        converting.labels,
    )


def read(store: ObjectStore, made: MadeObject, *, pixels: bool) -> Dataset:
    """A released object, from the store.

    Raises
    ------
    DataError
        The store has lost it.
    """
    data = store.get(made.key or "")
    if data is None:
        raise DataError("The store has lost an object that an annotation needs. Run the dataset again.")
    with quiet():
        return dcmread(BytesIO(data), stop_before_pixels=not pixels)


def _row(data: bytes, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """The inventory row of a segmentation, read as strictly as any input."""
    row, ds = examine(data)
    digest = pixel_digest(pixels(ds), row["TransferSyntaxUID"])
    row["pixel_digest"] = pseudonyms.digest("pixels", digest) if digest else None
    return row


def _refused(base: MadeObject, error: NotConvertibleError, where: str) -> MadeObject:
    actions = tuple(
        (where, f"region {number}", problem.value, count)
        for (number, problem), count in sorted(error.problems.items())
    )
    return replace(base, refusal=NOT_CONVERTIBLE, actions=actions)
