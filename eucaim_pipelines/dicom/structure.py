"""The outside of a DICOM file (PS3.10 §7): preamble, file meta group, and deflation.

What lies within is read by `elements`.
"""

import zlib
from typing import NamedTuple

from eucaim_pipelines.dicom.elements import LONG_VRS, SHORT_VRS
from eucaim_pipelines.errors import Refusal

INFLATED_LIMIT = 2**31
_INFLATED_FLOOR, _INFLATED_RATIO = 2**26, 100
"""A small file may grow to 64 MiB, a larger one a hundredfold: blank images do, bombs go beyond."""
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip (RFC 1952), bzip2, xz, 7-Zip, RAR and zstd (RFC 8878) files."""
_LONG_VRS = frozenset(vr.encode() for vr in LONG_VRS)
_SHORT_VRS = frozenset(vr.encode() for vr in SHORT_VRS)


class FileMeta(NamedTuple):
    """What the file meta group says (PS3.10 §7.1) and where the data set begins."""

    transfer_syntax: str
    storage_class: str
    body_start: int


def read_file_meta(data: bytes) -> FileMeta:
    """Read the file meta group; its stated length is ignored, because writers get it wrong.

    Raises
    ------
    Refusal
        `NOT_DICOM` without preamble and prefix (`ARCHIVE_COMPRESSED` where something is packed in a way
        that is not opened), `TRUNCATED` or `MALFORMED` when the group cannot be read.
    """
    if len(data) < 132 or data[128:132] != b"DICM":
        raise Refusal("ARCHIVE_COMPRESSED" if bytes(data[:6]).startswith(_COMPRESSED) else "NOT_DICOM")
    position, found = 132, {}
    while data[position : position + 2] == b"\x02\x00":
        if position + 8 > len(data):
            raise Refusal("TRUNCATED")
        element, vr = data[position + 2 : position + 4], data[position + 4 : position + 6]
        if vr in _LONG_VRS:
            length, start = int.from_bytes(data[position + 8 : position + 12], "little"), position + 12
        elif vr in _SHORT_VRS:
            length, start = int.from_bytes(data[position + 6 : position + 8], "little"), position + 8
        else:
            raise Refusal("MALFORMED")
        if start + length > len(data):
            raise Refusal("TRUNCATED")
        found[element] = data[start : start + length].rstrip(b"\0 ").decode("latin-1")
        position = start + length
    syntax = found.get(b"\x10\x00")
    if not syntax:
        raise Refusal("TRUNCATED" if position >= len(data) else "MALFORMED")
    return FileMeta(syntax, found.get(b"\x02\x00", ""), position)


def inflate(data: bytes) -> bytes:
    """Undo the deflation of a data set (PS3.5 §A.5); nothing may follow but one padding byte.

    Raises
    ------
    Refusal
        `TRUNCATED`, `MALFORMED`, or `TOO_LARGE` when it would grow beyond what its size lets expect, or
        beyond `INFLATED_LIMIT` bytes.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(INFLATED_LIMIT, max(_INFLATED_FLOOR, _INFLATED_RATIO * len(data)))
    try:
        plain = stream.decompress(data, limit)
    except zlib.error:
        raise Refusal("MALFORMED") from None
    if stream.unconsumed_tail:
        raise Refusal("TOO_LARGE")
    if not stream.eof:
        raise Refusal("TRUNCATED")
    if stream.unused_data not in (b"", b"\0"):
        raise Refusal("MALFORMED")
    return plain
