"""Label maps converted to segmentations: de-identified, held against the released images, remembered.

A pair of NIfTI file and DICOM JSON is made one DICOM object, which goes through the same profile and search
as every other and is then converted at once: nothing of it is stored or released but the segmentation.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from io import BytesIO

from pydicom import dcmread

from eucaim_pipelines.annotations import conversion
from eucaim_pipelines.deidentification.images import Deidentified, Subject
from eucaim_pipelines.deidentification.reading_back import read_back
from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.label_maps import LabelMapObject
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest import inventory, label_maps
from eucaim_pipelines.ingest.exports import Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject, Reception
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.conversions import Annotation, Conversion, Converting, read, stored
from eucaim_pipelines.release.objects import Making, Progress, Work, is_there, subject_name, terms_by_name

_SEGMENTS = "(0062,0002)"


@dataclass(frozen=True)
class _Pair:
    """A label map with its JSON, the person it belongs to, and the released images of the series it names."""

    described: Reception
    label_map: Reception
    subject: Subject
    series: str
    images: Mapping[str, MadeObject]

    @property
    def key(self) -> tuple[str, str]:
        """Identity within one recipe: digest of everything that goes in, and the person."""
        images = sorted((uid, made.object_sha256) for uid, made in self.images.items())
        content = repr((self.described.content, images))
        return hashlib.sha256(content.encode()).hexdigest(), subject_name(self.subject)


def convert(
    ledger: Ledger,
    work: Sequence[Work],
    exports: Mapping[str, Export],
    objects: Iterable[MadeObject],
    making: Making,
    converting: Converting,
    executor: Executor,
    progress: Progress,
) -> dict[int, Conversion]:
    """Convert every label map that was accepted; what was done before is remembered.

    Parameters
    ----------
    work
        Receptions of the JSON files (`ledger.label_maps` has their label maps).
    objects
        What was made of the dataset's images.

    Returns
    -------
    dict
        Reception id of the JSON → what was made. Where a file is gone from landing, or has changed since it
        was read, another reception of the same content takes its place; without one it is absent and waits.
    """
    if not work:
        return {}
    pairs = _pairs(ledger, work, objects, making)
    found = _convert_all(ledger, pairs, exports, making, converting, executor, progress)
    maps = ledger.label_maps()
    absent = {pair.described.id: pair for pair in pairs if pair.described.id not in found}
    twins = {
        key: replace(absent[key], described=twin, label_map=maps[twin.export, twin.path])
        for key, twin in inventory.twins(ledger, absent).items()
        if (twin.export, twin.path) in maps
    }
    again = _convert_all(ledger, list(twins.values()), exports, making, converting, executor, progress)
    return found | {
        key: again[twin.described.id] for key, twin in twins.items() if twin.described.id in again
    }


def _pairs(
    ledger: Ledger, work: Sequence[Work], objects: Iterable[MadeObject], making: Making
) -> list[_Pair]:
    maps, headers = ledger.label_maps(), ledger.headers(w.reception.sha256 or "" for w in work)
    uid = making.deidentifier.pseudonyms.uid
    images: dict[str, dict[str, MadeObject]] = defaultdict(dict)
    for made in objects:
        row = made.row or {}
        if row and sop_classes.kind(row["SOPClassUID"]) == "image":
            images[str(row["SeriesInstanceUID"])][str(row["SOPInstanceUID"])] = made
    found = []
    for described, subject in ((each.reception, each.subject) for each in work):
        named = headers[described.sha256 or ""]["referenced_series_instance_uids"]
        series = [uid(each, subject.pseudonym) for each in named]
        own = uid(described.series_instance_uid or "", subject.pseudonym)
        of_series = {key: made for each in series for key, made in images.get(each, {}).items()}
        label_map = maps[described.export, described.path]
        found.append(_Pair(described, label_map, subject, (*series, own)[0], of_series))
    return found


def _convert_all(
    ledger: Ledger,
    pairs: Sequence[_Pair],
    exports: Mapping[str, Export],
    making: Making,
    converting: Converting,
    executor: Executor,
    progress: Progress,
) -> dict[int, Conversion]:
    recipe = f"label map:{making.recipe}:{converting.recipe}"
    made, seen = ledger.made(recipe), manifests.named(making.store, making.dataset)
    todo = [each for each in pairs if not is_there(made.get(each.key), seen, making.store)]
    made = {key: each for key, each in made.items() if key not in {pair.key for pair in todo}}
    futures = [
        executor.submit(convert_one, exports[each.described.export], each, making, converting)
        for each in todo
        if each.described.export in exports
    ]
    for done, future in enumerate(as_completed(futures), start=1):
        result = future.result()
        if result is not None:
            ledger.remember(recipe, [result])
            made[result.sha256, result.subject] = result
        progress(done, len(futures))
    return {each.described.id: _conversion(each, made[each.key]) for each in pairs if each.key in made}


def _conversion(pair: _Pair, made: MadeObject) -> Conversion:
    files = [each.sha256 or "" for each in (pair.described, pair.label_map)]
    return Conversion(Annotation(files[0], None, pair.subject.pseudonym, pair.series, (files[1],)), made)


def convert_one(export: Export, pair: _Pair, making: Making, converting: Converting) -> MadeObject | None:
    """Convert one label map and store its segmentation; runs in a worker process. None: its files are gone.

    Raises
    ------
    DataError
        The store has lost an image that it needs.
    """
    try:
        with OpenExport(export) as opened:
            joined = label_maps.again(opened, pair.described, pair.label_map, making.limit)
    except Refusal:
        return None
    if joined is None:
        return None
    sha256, subject = pair.key
    base = MadeObject(sha256=sha256, subject=subject)
    try:
        output = making.deidentifier.deidentify_verified(joined.data, pair.subject)
        digest = hashlib.sha256(output.data).hexdigest()
        read_back(output, digest, making.deidentifier, set(), everything=True)
    except Refusal as refusal:
        return replace(base, refusal=refusal.reason)
    base = replace(base, unknown_terms=terms_by_name(output))
    return stored(base, converting, lambda: _segmentation(joined, output, pair, converting), _SEGMENTS)


def _segmentation(joined: LabelMapObject, output: Deidentified, pair: _Pair, converting: Converting) -> bytes:
    with quiet():
        source = dcmread(BytesIO(output.data))
    return conversion.from_label_map(
        source,
        examine(joined.data).row["segments"],
        {uid: image.row or {} for uid, image in pair.images.items()},
        lambda uid: read(converting.store, pair.images[uid], pixels=False),
        converting.pseudonyms.derived_uid,
        converting.labels,
    )
