"""The header inventory: one typed row per SOP instance; its columns: `data_contracts/dicom/instances.csv`.

Values stand as received; what they must be replaced by is no concern of this module.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from eucaim_pipelines.dicom import pixel_streams, seg_attributes, sop_classes, transfer_syntaxes
from eucaim_pipelines.dicom.elements import PIXEL_ELEMENTS, DataSet, Value
from eucaim_pipelines.dicom.faces import recognizable_face
from eucaim_pipelines.dicom.frames import frame_positions
from eucaim_pipelines.dicom.risk import risk
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines.dicom.values import (
    codecs,
    decode,
    is_whole,
    items,
    parsed_numbers,
    raw,
    sequences,
    tag_of,
    text,
    whole_number,
)

_PROCEDURE_STEPS = "1.2.840.10008.3.1.2."
"""SOP classes of patients, studies, visits and procedure steps: references to them are to no object."""
_NO_REFERENCES = frozenset({0x00081110, 0x00081111, 0x00081120, 0x04000561})
_SHARED_GROUPS, _PER_FRAME_GROUPS = 0x52009229, 0x52009230
_REFERENCED_SERIES, _SERIES_UID = 0x00081115, 0x0020000E
_REMEMBERED = 20_000
_UNKNOWN = object()


class _Column(NamedTuple):
    name: str
    tag: int
    type: str
    many: bool
    path: tuple[int, ...]


def header_row(ds: DataSet) -> dict[str, Any]:
    """Row of one object.

    Absent, empty and malformed values are None. Text is decoded and trimmed, multi-valued text that is no
    list joined by a backslash; dates and times stay as received. `pixel_digest` is left to the function of
    that name, because it costs more than everything else.
    """
    elements, known = ds.elements, _known(ds.characters, ds.encoding.little_endian)
    row: dict[str, Any] = dict.fromkeys(column.name for column in _columns())
    for column in _columns():
        where, there, element = ds, known, elements.get(column.tag)
        if element is None:
            if not column.path:
                continue
            where, element = _nested(ds, column)
            there = _known(where.characters, where.encoding.little_endian)
        if element is None or type(element[1]) is not bytes:
            continue
        key = (column.name, element)
        value = there.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            if len(there) > _REMEMBERED:
                there.clear()
            value = there[key] = _value(column, element[0], element[1], where)
        row[column.name] = list(value) if type(value) is tuple else value
    row["TransferSyntaxUID"] = ds.transfer_syntax
    row["pixel_digest"] = None
    row["referenced_sop_instance_uids"] = sorted(set(references(ds)))
    named = {text(item, _SERIES_UID) for item in items(ds, _REFERENCED_SERIES)}
    row["referenced_series_instance_uids"] = sorted(uid for uid in named if uid)
    segmentation = sop_classes.kind(row["SOPClassUID"] or "") == "seg"
    row["segments"] = _segments(ds) if segmentation else None
    row["seg_missing"] = seg_attributes.missing(ds) if segmentation else None
    row["frame_positions"] = None if segmentation else frame_positions(ds)
    row["risk"] = risk(ds)
    row["recognizable_face"] = recognizable_face(row)
    return row


def references(ds: DataSet) -> Iterator[str]:
    """ReferencedSOPInstanceUIDs at any depth; those to procedure steps, studies and patients, in private
    sequences and in the history of an object (Original Attributes Sequence) are left out.
    """
    target = text(ds, 0x00081155) if 0x00081155 in ds.elements else None
    if target and not (text(ds, 0x00081150) or "").startswith(_PROCEDURE_STEPS):
        yield target
    for tag, children in sequences(ds):
        if tag not in _NO_REFERENCES and not tag & 0x10000:
            for child in children:
                yield from references(child)


def pixels(ds: DataSet) -> bytes | memoryview | None:
    """Value of the pixel data element; None without one."""
    return next((raw(ds, tag) for tag in PIXEL_ELEMENTS if tag in ds), None)


def pixel_digest(value: bytes | memoryview | None, transfer_syntax: str) -> str | None:
    """SHA-256 of a pixel value: native bytes as they are, or the fragments of a compressed stream."""
    if value is None:
        return None
    if transfer_syntaxes.stream(transfer_syntax) != "native" and value[:4] == b"\xfe\xff\x00\xe0":
        digest = sha256()
        for part in pixel_streams.fragments(value)[1]:
            digest.update(part)
        return digest.hexdigest()
    return sha256(value).hexdigest()


@cache
def _columns() -> tuple[_Column, ...]:
    found = []
    for row in rows("dicom/instances.csv"):
        path = tuple(tag_of(keyword) for keyword in row["path"].split(".") if keyword)
        found.append(
            _Column(row["column"], tag_of(row["column"]), row["type"], row["multiplicity"] == "n", path)
        )
    return tuple(found)


@lru_cache(64)
def _known(characters: bytes, little_endian: bool) -> dict[tuple[str, tuple[str, Any]], Any]:
    """Values read before under a character set and a byte order: nearly all repeat within a series."""
    return {}


def _nested(ds: DataSet, column: _Column) -> tuple[DataSet, tuple[str, Value] | None]:
    """Where a column's value stands in the first items along its path.

    What an enhanced object does not say for all frames is taken from its first frame.
    """
    found = _along(ds, column.path)
    if found[1] is None and column.path[0] == _SHARED_GROUPS and _PER_FRAME_GROUPS in ds:
        found = _along(ds, (_PER_FRAME_GROUPS, *column.path[1:]))
    return found


def _along(ds: DataSet, path: tuple[int, ...]) -> tuple[DataSet, tuple[str, Value] | None]:
    where = ds
    for tag in path[:-1]:
        children = items(where, tag)
        if not children:
            return ds, None
        where = children[0]
    return where, where.elements.get(path[-1])


def _value(column: _Column, vr: str, value: bytes, where: DataSet) -> Any:
    if column.type == "string":
        whole = decode(value, codecs(where.characters)).strip(" \0\t\r\n") or None
        return tuple(part.strip() for part in whole.split("\\")) if whole and column.many else whole
    found = parsed_numbers(vr, value, where.encoding.little_endian)
    if found is None or (column.type == "int64" and not all(map(is_whole, found))):
        return None
    cast = int if column.type == "int64" else float
    if column.many:
        return tuple(cast(number) for number in found)
    return cast(found[0]) if len(found) == 1 else None


def _segments(ds: DataSet) -> list[dict[str, Any]]:
    found = []
    for item in items(ds, 0x00620002):
        found.append(
            {
                "number": whole_number(item, 0x00620004),
                "label": text(item, 0x00620005),
                "description": text(item, 0x00620006),
                "algorithm_type": text(item, 0x00620008),
                "algorithm_name": text(item, 0x00620009),
                "property_category": _code(item, 0x00620003),
                "property_type": _code(item, 0x0062000F),
                "tracking_id": text(item, 0x00620020),
                "tracking_uid": text(item, 0x00620021),
            }
        )
    return found


def _code(ds: DataSet, tag: int) -> str | None:
    for item in items(ds, tag):
        scheme, value = text(item, 0x00080102), text(item, 0x00080100)
        if scheme and value:
            return f"{scheme}:{value}"
    return None
