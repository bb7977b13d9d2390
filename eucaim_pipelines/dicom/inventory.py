"""The header inventory: one typed row per SOP instance; its columns: `data_contracts/dicom/instances.csv`.

Values stand as received; what they must be replaced by is no concern of this module.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import pyarrow as pa
from pydicom import Dataset

from eucaim_pipelines.dicom import pixel_streams, sop_classes, transfer_syntaxes
from eucaim_pipelines.dicom.reading import PIXEL_ELEMENTS, little_endian
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines.dicom.values import items, numbers, raw, sequences, tag_of, text

_TYPES = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
_SEGMENT = pa.struct(
    [
        ("number", pa.int64()),
        ("label", pa.string()),
        ("description", pa.string()),
        ("algorithm_type", pa.string()),
        ("algorithm_name", pa.string()),
        ("property_category", pa.string()),
        ("property_type", pa.string()),
    ]
)
_DERIVED = (
    ("pixel_digest", pa.string(), "SHA-256 of the pixel data without its offset table; null without pixels"),
    (
        "referenced_sop_instance_uids",
        pa.list_(pa.string()),
        "Referenced objects at any depth, sorted, distinct",
    ),
    ("segments", pa.list_(_SEGMENT), "Segments of a segmentation; codes as scheme:value"),
    ("risk", pa.string(), "Why the pixels may identify somebody; null when nothing says so"),
)
_PROCEDURE_STEPS = "1.2.840.10008.3.1.2."
"""SOP classes of patients, studies, visits and procedure steps: references to them are to no object."""


class _Column(NamedTuple):
    name: str
    tag: int
    type: str
    many: bool
    path: tuple[int, ...]


@cache
def schema() -> pa.Schema:
    """Arrow schema of the inventory; the reason of each column is its field metadata `description`."""
    fields = []
    for row in rows("dicom/instances.csv"):
        kind = _TYPES[row["type"]]
        kind = pa.list_(kind) if row["multiplicity"] == "n" else kind
        fields.append(pa.field(row["column"], kind, metadata={"description": row["why"]}))
    fields += [pa.field(name, kind, metadata={"description": why}) for name, kind, why in _DERIVED]
    return pa.schema(fields)


def header_row(ds: Dataset) -> dict[str, Any]:
    """Row of one object, keys in the order of `schema()`.

    Absent, empty and malformed values are None. Text is decoded and trimmed, multi-valued text that is no
    list joined by a backslash; dates and times stay as received.
    """
    little = little_endian(ds)
    row: dict[str, Any] = {}
    for column in _columns():
        where, tag = _place(ds, column)
        if where is None:
            row[column.name] = None
        elif column.type == "string":
            value = text(where, tag)
            row[column.name] = (
                [part.strip() for part in value.split("\\")] if value and column.many else value
            )
        else:
            row[column.name] = _number(where, tag, column, little)
    row["TransferSyntaxUID"] = text(ds.file_meta, 0x00020010)
    row["pixel_digest"] = pixel_digest(ds)
    row["referenced_sop_instance_uids"] = sorted(set(references(ds)))
    row["segments"] = _segments(ds) if sop_classes.kind(row["SOPClassUID"] or "") == "seg" else None
    row["risk"] = risk(ds)
    return row


def references(ds: Dataset) -> Iterator[str]:
    """ReferencedSOPInstanceUIDs at any depth, those to procedure steps, studies and patients left out."""
    target = text(ds, 0x00081155)
    if target and not (text(ds, 0x00081150) or "").startswith(_PROCEDURE_STEPS):
        yield target
    for tag, children in sequences(ds):
        if tag not in (0x00081110, 0x00081111, 0x00081120):
            for child in children:
                yield from references(child)


def pixel_digest(ds: Dataset) -> str | None:
    """SHA-256 of the pixel value: native bytes as they are, or the fragments of a compressed stream."""
    for tag in PIXEL_ELEMENTS:
        value = raw(ds, tag)
        if value is None:
            continue
        syntax = text(ds.file_meta, 0x00020010) or ""
        if transfer_syntaxes.stream(syntax) != "native" and value[:4] == b"\xfe\xff\x00\xe0":
            digest = sha256()
            for part in pixel_streams.fragments(value)[1]:
                digest.update(part)
            return digest.hexdigest()
        return sha256(value).hexdigest()
    return None


def risk(ds: Dataset) -> str | None:
    """`BURNED_IN_RISK` when the header says that the pixels may show text, or None."""
    modality, burned_in = text(ds, 0x00080060), text(ds, 0x00280301)
    image_type = [part.strip() for part in (text(ds, 0x00080008) or "").split("\\")]
    risky = (
        burned_in == "YES"
        or modality == "US"
        or (modality in ("XA", "RF") and burned_in != "NO")
        or text(ds, 0x00080064) is not None
        or any("SCREEN SAVE" in part for part in image_type)
        or (modality in ("MG", "DX", "CR") and image_type[:2] == ["DERIVED", "SECONDARY"])
    )
    return "BURNED_IN_RISK" if risky else None


@cache
def _columns() -> tuple[_Column, ...]:
    found = []
    for row in rows("dicom/instances.csv"):
        path = tuple(tag_of(keyword) for keyword in row["path"].split(".") if keyword)
        found.append(
            _Column(row["column"], tag_of(row["column"]), row["type"], row["multiplicity"] == "n", path)
        )
    return tuple(found)


def _place(ds: Dataset, column: _Column) -> tuple[Dataset | None, int]:
    if column.tag in ds._dict:
        return ds, column.tag
    if not column.path:
        return None, 0
    where: Dataset = ds
    for tag in column.path[:-1]:
        children = items(where, tag)
        if not children:
            return None, 0
        where = children[0]
    return (where, column.path[-1]) if column.path[-1] in where._dict else (None, 0)


def _number(ds: Dataset, tag: int, column: _Column, little: bool) -> Any:
    found = numbers(ds, tag, little)
    if found is None or (column.type == "int64" and any(value != value // 1 for value in found)):
        return None
    cast = int if column.type == "int64" else float
    if column.many:
        return [cast(value) for value in found]
    return cast(found[0]) if len(found) == 1 else None


def _segments(ds: Dataset) -> list[dict[str, Any]]:
    little, found = little_endian(ds), []
    for item in items(ds, 0x00620002):
        number = numbers(item, 0x00620004, little)
        found.append(
            {
                "number": int(number[0]) if number else None,
                "label": text(item, 0x00620005),
                "description": text(item, 0x00620006),
                "algorithm_type": text(item, 0x00620008),
                "algorithm_name": text(item, 0x00620009),
                "property_category": _code(item, 0x00620003),
                "property_type": _code(item, 0x0062000F),
            }
        )
    return found


def _code(ds: Dataset, tag: int) -> str | None:
    for item in items(ds, tag):
        scheme, value = text(item, 0x00080102), text(item, 0x00080100)
        if scheme and value:
            return f"{scheme}:{value}"
    return None
