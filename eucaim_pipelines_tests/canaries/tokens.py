"""Values that occur once: how each is made from a number, and how it is found again in bytes of any kind.

Where they are planted is said in `plant_*`; what may survive, in `kept.csv`.
"""

import re
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Iterator
from datetime import date
from itertools import count

SCRIPTS = {
    "iso8859_7": ("ΩΨ", "ΑΒΓΔΕΖΗΘΙΚ"),
    "iso8859_5": ("ЯЮ", "АБВГДЕЖЗИК"),
    "latin_1": ("ÞÐ", "ÄÖÜÉÑÇÅØÆÝ"),
    "iso2022_jp": ("雪鶴", "山川村木本中島田上下"),
}
"""Beginning and ten digits of tokens that no byte below 128 is part of, by the encoding of their script."""

_ASCII = (
    rb"QX\d{6}J",
    rb"QZ[A-J]{6}",
    rb"1\.2\.826\.0\.1\.3680043\.77\.1\d{6}",
    rb"(?<!\d)73\d{7}(?!\d)",
    rb"(?<![0-9A-Za-z.])(?:1[89]|2[0-3])\d{6}",
    rb"(?<![0-9A-Za-z.])(?:\d{8})?((?:[01]\d|2[0-3])[0-5]\d[0-5]\d\.\d{6})(?!\d)",
)
_PLAIN = tuple(re.compile(shape, re.IGNORECASE) for shape in _ASCII)
_SCRIPT = re.compile("|".join(f"{first}[{digits}]{{6}}" for first, digits in SCRIPTS.values()), re.IGNORECASE)
_RUNS = re.compile(rb"[A-Za-z0-9+/]{12,}")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){9,}", re.IGNORECASE)
_FIRST_DAY = date(1861, 1, 1).toordinal()


class Tokens:
    """Makes tokens, none twice.

    Parameters
    ----------
    shift_days
        Days by which dates are moved: no moved date equals a planted one, because days are taken from every
        second stretch of this length only.
    """

    def __init__(self, shift_days: int) -> None:
        self._shift, self._numbers, self._days = shift_days, count(1), count()

    def text(self) -> str:
        return f"QX{next(self._numbers):06d}J"

    def word(self) -> str:
        """A token of eight letters, as a name may be."""
        return "QZ" + "".join("ABCDEFGHIJ"[int(digit)] for digit in f"{next(self._numbers):06d}")

    def script(self, encoding: str) -> str:
        """A token in letters of one script only."""
        first, digits = SCRIPTS[encoding]
        return first + "".join(digits[int(digit)] for digit in f"{next(self._numbers):06d}")

    def uid(self) -> str:
        return f"1.2.826.0.1.3680043.77.1{next(self._numbers):06d}"

    def number(self) -> str:
        """Nine digits that fit an integer string and 32 bits."""
        return f"73{next(self._numbers):07d}"

    def time(self) -> str:
        number = next(self._numbers)
        return f"{number % 24:02d}{number % 60:02d}{number % 59:02d}.{number:06d}"

    def day(self) -> str:
        stretch, rest = divmod(next(self._days), self._shift)
        return f"{date.fromordinal(_FIRST_DAY + 2 * stretch * self._shift + rest):%Y%m%d}"


def found(data: bytes) -> set[str]:
    """Whatever in some bytes has the shape of a token, in any encoding, hexadecimal and base 64 too."""
    hits = {_text(hit) for layer in _layers(data) for shape in _PLAIN for hit in shape.findall(layer)}
    if not data.isascii() or b"\x1b" in data:
        hits |= {hit.upper() for text in _texts(data) for hit in _SCRIPT.findall(text)}
    return hits


def _text(hit: bytes) -> str:
    return hit.decode("ascii").upper()


def _layers(data: bytes) -> Iterator[bytes]:
    yield data
    yield data.replace(b"\0", b"")  # UTF-16 of plain letters, in either byte order
    yield b"\n".join(unhexlify(run) for run in _HEX.findall(data))
    runs = (run[start:] for run in _RUNS.findall(data) for start in range(4))
    yield b"\n".join(b64decode(run[: len(run) // 4 * 4]) for run in runs)


def _texts(data: bytes) -> Iterator[str]:
    for encoding in ("utf-8", "shift_jis", "euc_jp", "gb18030", *SCRIPTS):
        yield data.decode(encoding, "ignore")
    for start in (0, 1):
        yield data[start:].decode("utf-16-le", "ignore")
        yield data[start:].decode("utf-16-be", "ignore")
