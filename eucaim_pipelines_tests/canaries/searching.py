"""Which planted values stand in a file: in its bytes in any encoding, in what pydicom reads, at their places.

Whether one may stand there is said in `kept.csv`.
"""

import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.datadict import DicomDictionary

from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines_tests.canaries.planting import Plant, Planted
from eucaim_pipelines_tests.canaries.raw import DEFLATED
from eucaim_pipelines_tests.canaries.tokens import found

_BY_PLACE = frozenset({"age", "binary"})


def survivors(planted: Planted, output: bytes) -> set[Plant]:
    """The values of an object that stand in a file, in its bytes or in what pydicom makes of them."""
    with quiet():
        tokens = found("\n".join(_decoded(pydicom.dcmread(BytesIO(output)))).encode("utf-8"))
    return in_bytes(planted, output) | {plant for plant in planted.plants if plant.token in tokens}


def in_bytes(planted: Planted, output: bytes) -> set[Plant]:
    """The values of an object that stand in the bytes of a file; short ones are looked up at their place."""
    tokens = found(unpacked(output, planted.syntax))
    with quiet():
        there = set(_raw(pydicom.dcmread(BytesIO(output))))
    return {
        plant
        for plant in planted.plants
        if plant.token in tokens or (plant.sort in _BY_PLACE and plant.there in there)
    }


def unpacked(data: bytes, syntax: str) -> bytes:
    """A file's bytes, those of a deflated data set behind them."""
    if syntax != DEFLATED:
        return data
    start = 144 + int.from_bytes(data[140:144], "little")
    return data[:start] + b"\n" + zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])


def _decoded(ds: Dataset) -> Iterator[str]:
    """Text of every element as pydicom converts it; what it cannot convert is in the bytes all the same."""
    for tag in list(ds._dict):
        try:
            value = ds[tag].value
        except Exception:  # noqa: BLE001, S112 - planted values are malformed on purpose
            continue
        if ds[tag].VR == "SQ":
            for child in value:
                yield from _decoded(child)
        else:
            yield str(value)


def _raw(ds: Dataset, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], int, bytes]]:
    for tag, element in list(ds._dict.items()):
        found: Any = element
        if (found.VR or DicomDictionary.get(int(tag), ("UN",))[0]) == "SQ":
            for child in ds[tag].value:
                yield from _raw(child, (*place, int(tag)))
        elif isinstance(found.value, bytes):
            yield place, int(tag), found.value
