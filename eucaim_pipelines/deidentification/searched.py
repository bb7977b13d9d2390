"""The values of one object that its verification compares and searches, read by a walk of its own.

What a hit means is said in `verification`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydicom import Dataset
from pydicom.datadict import DicomDictionary

from eucaim_pipelines.deidentification import codes
from eucaim_pipelines.dicom import values

TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR", "UN"})
DATES = frozenset({"DA", "DT"})
_SEARCHED = TEXT | {"UI", "CS", "IS", "DS", "AS"} | DATES
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR", "UN"})
_PIXELS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_CODES = frozenset({0x00080100, 0x00080102, 0x00080119})
Path = tuple[int, ...]
Place = tuple[Path, int]


class Value(NamedTuple):
    """One element's value: where it stands, its bytes, and its texts (components of names included)."""

    path: Path
    tag: int
    vr: str
    raw: bytes
    parts: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Path of the item, and tag."""
        return self.path, self.tag


def searched(ds: Dataset, path: Path = ()) -> Iterator[Value]:
    """Every element that can hold text, at every depth, outside pixel samples; public codes left out."""
    encodings = values.charset(ds)
    scheme = values.text(ds, 0x00080102)
    public = scheme is not None and codes.is_public_scheme(scheme)
    for key, found in list(ds._dict.items()):
        element: Any = found
        tag = int(key)
        if tag in _PIXELS:
            continue
        vr = element.VR or DicomDictionary.get(tag, ("UN",))[0]
        if vr == "SQ":
            for index, child in enumerate(values.items(ds, tag)):
                yield from searched(child, (*path, tag, index))
            continue
        if vr not in _SEARCHED or (public and tag in _CODES and _is_public(ds, tag, scheme or "")):
            continue
        raw = values.raw(ds, tag) or b""
        if not raw or (vr == "UN" and not _printable(raw)):
            continue
        yield Value(path, tag, vr, raw, _parts(raw, vr, encodings))


def _is_public(ds: Dataset, tag: int, scheme: str) -> bool:
    """Whether a code element says no more than a public code does; both files are asked the same."""
    if tag == 0x00080102:
        return True
    return codes.is_public(values.text(ds, tag) or "", scheme)


def _parts(raw: bytes, vr: str, encodings: list[str]) -> tuple[str, ...]:
    if vr in ("IS", "DS"):
        return (raw.decode("latin-1").strip(" \0"),)
    text = values.decode(raw, encodings).strip(" \0\t\r\n")
    if vr in _SINGLE_VALUED:
        return (text,)
    parts = [part.strip(" \0") for part in text.split("\\")]
    if vr == "PN":
        groups = [group for part in parts for group in part.split("=")]
        parts += groups + [
            name.strip() for group in groups for name in group.split("^") if len(name.strip()) > 2
        ]
    return tuple(dict.fromkeys(parts))


def _printable(raw: bytes) -> bool:
    return len(raw) < 256 and all(32 <= byte < 127 for byte in raw.rstrip(b"\0 "))
