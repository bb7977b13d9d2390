"""Tables about the objects that were made: their inventory, what was done to them, terms nobody knows.

How an object is made is said in `objects`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom.inventory_schema import schema as inventory_schema
from eucaim_pipelines.ingest.records import MadeObject
from eucaim_pipelines.release.conversions import NOT_CONVERTIBLE, Conversion
from eucaim_pipelines.release.sketched import Likenesses

ACTIONS = pa.schema(
    [("tag", pa.string()), ("action", pa.string()), ("reason", pa.string()), ("elements", pa.int64())]
)
UNKNOWN_TERMS = pa.schema([("keyword", pa.string()), ("term", pa.string()), ("objects", pa.int64())])


class Searched(NamedTuple):
    """What the search for identities came to: objects that can be released, those of them that were searched,
    those that were made from searched ones, identities found, and inputs held back because of such a find."""

    objects: int
    checked: int
    converted: int
    residuals: int
    held_back: int


ANNOTATIONS = pa.schema(
    [
        ("patient_id", pa.string()),
        ("series_uid", pa.string()),
        ("problems", pa.list_(pa.string())),
        ("object_key", pa.string()),
        ("source_digests", pa.list_(pa.string())),
    ]
)


def searched(made: Iterable[MadeObject], converted: Sequence[Conversion] = ()) -> Searched:
    """The search over all objects that were made; one that nobody searched does not count as checked."""
    made = list(made)
    kept = [item for item in made if item.key]
    found = [item.residuals for item in kept if item.residuals is not None]
    tried = [*made, *(each.made for each in converted)]
    held_back = sum(item.refusal == "RESIDUAL_IDENTITY" for item in tried)
    segmentations = sum(each.made.key is not None for each in converted)
    return Searched(len(kept) + segmentations, len(found), segmentations, sum(found), held_back)


def instances_table(
    made: Mapping[int, MadeObject],
    pseudonyms: Pseudonyms,
    converted: Sequence[Conversion] = (),
    likenesses: Likenesses | None = None,
) -> pa.Table:
    """One row per released SOP instance: the header inventory of the de-identified objects.

    Source hashes cross as HMAC under the site's key only. Segmentations that annotations were converted to
    are objects like any other, though nobody delivered them; their source is that of the annotation.
    `likenesses`: by series, where they were asked for.
    """
    rows = [_row(each, pseudonyms) for each in made.values() if each.row is not None]
    rows += [
        _row(replace(each.made, sha256=each.source.sha256), pseudonyms) | {"derived_from": each.source.key}
        for each in converted
        if each.made.key
    ]
    for row in rows:
        row |= (likenesses or {}).get(str(row["SeriesInstanceUID"]), {})
    rows.sort(key=lambda row: (str(row["SeriesInstanceUID"]), str(row["SOPInstanceUID"])))
    return pa.Table.from_pylist(rows, schema=instances_schema())


def annotations_table(converted: Iterable[Conversion], pseudonyms: Pseudonyms) -> pa.Table:
    """One row per annotation that was to be converted: whose it is, the series that a finding names, what
    stands in the way, and the segmentation with the digests of the files behind it (`source_digest`).

    Those that de-identification itself refuses are left out: they are held back like any other file.
    """
    rows = [
        {
            "patient_id": source.patient_id,
            "series_uid": source.series_uid,
            "problems": sorted({what for _, _, what, _ in made.actions}),
            "object_key": made.key,
            "source_digests": [pseudonyms.digest("source", each) for each in (source.sha256, *source.others)],
        }
        for source, made in converted
        if made.refusal in (None, NOT_CONVERTIBLE)
    ]
    rows.sort(key=lambda row: (row["patient_id"], row["series_uid"], row["source_digests"]))
    return pa.Table.from_pylist(rows, schema=ANNOTATIONS)


def _row(item: MadeObject, pseudonyms: Pseudonyms) -> dict[str, Any]:
    return dict(item.row or {}) | {
        "object_key": item.key,
        "object_bytes": item.bytes,
        "object_sha256": item.object_sha256,
        "source_digest": pseudonyms.digest("source", item.sha256),
    }


def instances_schema() -> pa.Schema:
    """Schema of `instances_table`.

    `derived_from` is the key of the released object that one was made from.
    """
    own = [
        pa.field("object_key", pa.string()),
        pa.field("object_bytes", pa.int64()),
        pa.field("object_sha256", pa.string()),
        pa.field("source_digest", pa.string()),
        pa.field("derived_from", pa.string()),
    ]
    schema = inventory_schema()
    return pa.schema([*schema, *own], metadata=schema.metadata)


def actions_table(made: Iterable[MadeObject]) -> pa.Table:
    """Elements per (tag, action, reason) over all released objects: evidence without a value."""
    counts: Counter[tuple[str, ...]] = Counter()
    for item in made:
        for tag, action, reason, count in item.actions if item.key else ():
            counts[tag, action, reason] += count
    return _counted(counts, ACTIONS)


def unknown_terms_table(made: Iterable[MadeObject]) -> pa.Table:
    """Code strings as received that the lists of terms do not know, and in how many objects they stand.

    For the restricted zone only: what a scanner's operator typed may name a person.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for item in made:
        counts.update(item.unknown_terms)
    return _counted(counts, UNKNOWN_TERMS)


def _counted(counts: Counter[tuple[str, ...]], schema: pa.Schema) -> pa.Table:
    rows = [dict(zip(schema.names, (*key, count), strict=True)) for key, count in sorted(counts.items())]
    return pa.Table.from_pylist(rows, schema=schema)
