"""The outside of DICOM files for verification: preamble, file meta group, deflation.

What lies within is read in `elements`, what a hit means said in `verification`.
"""

import re
import zlib
from struct import error

from eucaim_pipelines.deidentification.verification.elements import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    Entry,
    Memory,
    Syntax,
    Walk,
)
from eucaim_pipelines.deidentification.verification.values import Value
from eucaim_pipelines.errors import Refusal

PREAMBLE = 0
"""Tag of what the preamble holds."""

_SYNTAX_UID = 0x00020010
_INFLATED_LIMIT = 1 << 31
_PRINTABLE = re.compile(rb"[ -~\x80-\xff]{6,}")
_STANDARD, _DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"


class Scanner:
    """Reads files; remembers values by the bytes of their elements, bounded, and only what these say."""

    def __init__(self) -> None:
        self._memory = Memory()

    @property
    def remembered(self) -> int:
        """How many values are remembered."""
        return self._memory.entries

    def scan(self, data: bytes, apart: bytes | memoryview = b"", *, around_samples: bool) -> list[Entry]:
        """Every value of a file that is not empty, each at a place of its own; samples are passed over.

        File meta group, data set, preamble where it is not zero.

        Parameters
        ----------
        data
            The file.
        apart
            The value of its native pixel data, where the file ends before it.
        around_samples
            Whether bytes behind native samples are wanted, and what of a compressed stream can hold text.

        Raises
        ------
        Refusal
            `NOT_DICOM`, `TRUNCATED`, `MALFORMED`, `TOO_LARGE`, `TRANSFER_SYNTAX_NOT_ALLOWED`.
        """
        if data[128:132] != b"DICM":
            raise Refusal("NOT_DICOM")
        if self._memory.is_full:
            self._memory.clear()
        try:
            meta = Walk(self._memory, data, EXPLICIT)
            position = meta.elements(132, len(data), (), b"", meta=True)
            stated = [value.parts for (tag, *_), value in meta.entries if tag == _SYNTAX_UID]
            uid = stated[0][0] if stated and stated[0] else ""
            body = data
            if uid == _DEFLATED:
                body, position = _inflated(data[position:]), 0
            walk = Walk(self._memory, body, _syntax_of(uid), apart)
            walk.elements(position, len(body), (), b"")
        except error:
            raise Refusal("TRUNCATED") from None
        entries = meta.entries + walk.entries
        if around_samples:
            entries += walk.around_samples()
        return entries + _preamble(data[:128]) if data[:128] != bytes(128) else entries


def _syntax_of(uid: str) -> Syntax:
    if uid != _STANDARD and not uid.startswith(_STANDARD + "."):
        raise Refusal("TRANSFER_SYNTAX_NOT_ALLOWED" if uid else "MALFORMED")
    return {_STANDARD: IMPLICIT, "1.2.840.10008.1.2.2": BIG_ENDIAN}.get(uid, EXPLICIT)


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, _INFLATED_LIMIT)
    except zlib.error:
        raise Refusal("MALFORMED") from None
    if stream.unconsumed_tail:
        raise Refusal("TOO_LARGE")
    if not stream.eof:
        raise Refusal("TRUNCATED")
    if stream.unused_data.strip(b"\0"):
        raise Refusal("MALFORMED")
    return plain


def _preamble(raw: bytes) -> list[Entry]:
    texts = _PRINTABLE.findall(raw)
    return [((PREAMBLE, index), Value(PREAMBLE, "UN", text, b"")) for index, text in enumerate(texts)]
