"""Bytes of text to characters and back, in every character set that a file could hold.

Which texts are looked for is said in `values`.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

_CODECS = {
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 166": "iso8859-11",
    "ISO_IR 192": "utf-8",
    "ISO_IR 203": "iso8859-15",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
"""Python codec of a character set without code extensions (PS3.3 C.12.1.1.2)."""

_DELIMITERS = {0x5C, 0x0A, 0x0C, 0x0D, 0x5E, 0x3D}
_ESCAPE = b"\x1b"
_PIECES = re.compile(rb"[\\^=]")


def decoded(raw: bytes, charset: bytes) -> str:
    """Text of a value under a SpecificCharacterSet; bytes that are none of it are read as Latin-1."""
    if _ESCAPE in raw:
        return _with_escapes(raw, charset)
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return raw.decode(_codec(charset))
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def is_plain(raw: bytes) -> bool:
    """Whether the bytes mean the same in every character set."""
    return raw.isascii() and _ESCAPE not in raw


def forms(text: str) -> tuple[bytes, ...]:
    """The text in UTF-8, Latin-1 and UTF-16 of both byte orders, NUL bytes left out.

    What is searched has its NUL bytes left out too: plain text is then the same in all of these encodings.
    """
    if text.isascii():
        return (text.encode("ascii").replace(b"\0", b""),)
    found = [text.encode(name, "ignore") for name in ("utf-8", "utf-16-le", "utf-16-be")]
    with suppress(UnicodeEncodeError):
        found.append(text.encode("latin-1"))
    return tuple(dict.fromkeys(form.replace(b"\0", b"") for form in found))


def pieces(raw: bytes) -> Iterator[bytes]:
    """The bytes of a value, and of its parts, as they are; nothing for what means the same everywhere."""
    if is_plain(raw):
        return
    stripped = raw.strip(b" \0\t\r\n")
    for piece in dict.fromkeys((stripped, *_PIECES.split(stripped))):
        if not is_plain(piece):
            yield piece.strip().replace(b"\0", b"")


@lru_cache(64)
def _terms(charset: bytes) -> tuple[str, ...]:
    return tuple(term.strip(" \0") for term in charset.decode("latin-1").split("\\"))


@lru_cache(64)
def _codec(charset: bytes) -> str:
    return _CODECS.get(_terms(charset)[0].replace("ISO 2022 IR", "ISO_IR"), "latin-1")


def _with_escapes(raw: bytes, charset: bytes) -> str:
    """Text with code extensions (ISO 2022); pydicom's reading, which is as good as any and rarely met."""
    from pydicom.charset import convert_encodings, decode_bytes

    logger = logging.getLogger("pydicom")
    was, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = decode_bytes(raw, convert_encodings(list(_terms(charset))), _DELIMITERS)
    except (ValueError, LookupError):  # also of names of character sets that hold NUL bytes
        return raw.decode("latin-1")
    finally:
        logger.disabled = was
    return text if "\ufffd" not in text else raw.decode("latin-1")
