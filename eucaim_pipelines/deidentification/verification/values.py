"""One element's value as a verification sees it: its texts, and the bytes to look for elsewhere.

Nothing here depends on another element but the character set, so that values can be remembered.
"""

import re
from typing import NamedTuple

from eucaim_pipelines.deidentification.verification import decoding
from eucaim_pipelines.deidentification.verification.tables import well_known_uids

LONG_ENOUGH = 6
"""Characters from which on a text is searched anywhere; shorter ones are compared as whole values."""

TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR", "UN"})
DATES = frozenset({"DA", "DT"})
WORDS = frozenset({"OW", "OL", "OF", "OD", "OV"})
NUMBERS = frozenset({"IS", "DS", "AS", "TM", "AT", "FL", "FD", "SL", "SS", "UL", "US", "SV", "UV"}) | WORDS
_STRINGS = TEXT | DATES | {"UI", "CS", "IS", "DS", "AS", "TM"}
_IDENTIFYING = TEXT | DATES | {"UI", "OB"}
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR", "UN", "IS", "DS"})
_OWN_CHARACTERS = frozenset({"IS", "DS", "TM", "UI"})
"""VRs whose bytes do not depend on SpecificCharacterSet."""

DAY = 8
LARGE = 1 << 16
_CHUNK, _OVERLAP = 1 << 20, 1 << 12
_LONGEST_OPAQUE = 4096
_IMPLEMENTATION_CLASS = 0x00020012
_BIRTH_DATE = 0x00100030
_GENERATED = re.compile(r"2\.25\.([1-9]\d{29,38})")
_LETHE = re.compile(r"1\.3\.6\.1\.4\.1\.58108\.2023\.\d{30,41}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_DIGITS = re.compile(r"\d{8}", re.ASCII)


class Needle(NamedTuple):
    """A text to look for, and its bytes in each encoding; `counted` when a hit may be explained."""

    text: str
    forms: tuple[bytes, ...]
    counted: bool = True


class Value:
    """One element's value.

    Attributes
    ----------
    searched
        What is searched for the texts of another object: the value without NUL bytes, and its text in UTF-8
        where it is in another encoding. Empty for a generated UID, whose digits hold short numbers by
        chance (UIDs are compared as a whole); a large value is searched in `chunks`.
    """

    __slots__ = ("_needles", "_parts", "charset", "forms", "raw", "searched", "seeks", "tag", "uids", "vr")

    def __init__(self, tag: int, vr: str, raw: bytes | memoryview, charset: bytes) -> None:
        self.tag, self.vr, self.raw, self.charset = tag, vr, raw, charset
        self._parts: tuple[str, ...] | None = None
        self._needles: tuple[Needle, ...] | None = None
        self.uids: tuple[str, ...] = ()
        self.forms: tuple[bytes, ...] | None = None
        self.seeks = vr in _IDENTIFYING and tag != _IMPLEMENTATION_CLASS  # which names software
        if isinstance(raw, memoryview):
            self.searched, self.seeks = b"", False
            return
        self.searched = raw.replace(b"\0", b"")
        if vr == "UI":
            self.uids = tuple(part for part in self.parts if part and part not in well_known_uids())
            if all(map(is_generated, self.uids)):
                self.searched = b""
        elif vr in _STRINGS and not decoding.is_plain(raw):
            self.searched += b"\n" + decoding.decoded(raw, self.charset).encode("utf-8", "replace")

    @property
    def parts(self) -> tuple[str, ...]:
        """Texts of the value; names with their groups and components; empty for binary values."""
        if self._parts is None:
            self._parts = self._read_parts()
        return self._parts

    @property
    def needles(self) -> tuple[Needle, ...]:
        """What of this value must not stand in an output."""
        if self._needles is None:
            self._needles = tuple(self._find_needles())
        return self._needles

    def wanted(self) -> tuple[bytes, ...]:
        """The bytes of all needles; also in `forms` from then on."""
        self.forms = tuple(dict.fromkeys(form for needle in self.needles for form in needle.forms if form))
        self.seeks = bool(self.forms)
        return self.forms

    def chunks(self) -> list[bytes]:
        """A large value in pieces that overlap, without NUL bytes."""
        raw = self.raw
        starts = range(0, len(raw), _CHUNK)
        return [bytes(raw[start : start + _CHUNK + _OVERLAP]).replace(b"\0", b"") for start in starts]

    def _read_parts(self) -> tuple[str, ...]:
        vr, raw = self.vr, self.raw
        if isinstance(raw, memoryview) or not (vr in _STRINGS or self.seeks):
            return ()
        if vr in ("UN", "OB"):
            return self._opaque_parts(raw)
        text = raw.decode("latin-1") if vr in _OWN_CHARACTERS else decoding.decoded(raw, self.charset)
        text = text.strip(" \0\t\r\n")
        if vr in _SINGLE_VALUED:
            return (text,)
        parts = [part.strip(" \0") for part in text.split("\\")]
        return tuple(dict.fromkeys(parts + _components(parts) if vr == "PN" else parts))

    def _opaque_parts(self, raw: bytes) -> tuple[str, ...]:
        """Text of a value that does not say whether it is one."""
        stripped = raw.strip(b" \0\t\r\n")
        if not stripped or len(stripped) > _LONGEST_OPAQUE:
            return ()
        text = decoding.decoded(stripped, self.charset)
        if _CONTROLS.search(text):
            return ()
        if self.vr == "OB":
            return (text,) if len(text) >= LONG_ENOUGH else ()
        more = [part.strip(" \0") for part in text.split("\\")]
        return tuple(dict.fromkeys([text, *(part for part in more if len(part) >= LONG_ENOUGH)]))

    def _find_needles(self) -> list[Needle]:
        if self.vr == "UI":
            return [Needle(uid, decoding.forms(uid)) for uid in self.uids]
        parts = [part for part in self.parts if part]
        births = [needle for part in parts for needle in _written(part)] if self.tag == _BIRTH_DATE else []
        if self.vr in DATES:
            return [Needle(part, _date_forms(part)) for part in parts] + births
        found = births + [Needle(part, decoding.forms(part)) for part in parts]
        if parts and isinstance(self.raw, bytes):
            found += [
                Needle(piece.decode("latin-1"), (piece,), counted=False)
                for piece in decoding.pieces(self.raw)
                if len(piece) >= LONG_ENOUGH
            ]
        return found


def is_generated(uid: str) -> bool:
    """Whether a UID is made of a hash: `2.25.` and a custom UUID (version 8 of RFC 9562), or as Lethe's."""
    found = _GENERATED.fullmatch(uid)
    if found is None:
        return _LETHE.fullmatch(uid) is not None
    number = int(found[1])
    return number >> 128 == 0 and number >> 76 & 0xF == 8 and number >> 62 & 3 == 2


def day_of(part: str) -> str | None:
    """The eight digits of the day of a date or date-time, the old form with dots too; None without any."""
    digits = part[:DAY] if len(part) != 10 else part.replace(".", "")[:DAY]
    return digits if _DIGITS.fullmatch(digits) else None


def _date_forms(part: str) -> tuple[bytes, ...]:
    day = day_of(part)
    return tuple(dict.fromkeys((part[:DAY].encode("utf-8"), (day or part[:DAY]).encode("utf-8"))))


def _written(part: str) -> list[Needle]:
    """A birth date as people write it; the eight digits too, where the value has them otherwise."""
    digits = part.replace(".", "").replace("-", "")[:DAY]
    if not _DIGITS.fullmatch(digits):
        return []
    year, month, day = digits[:4], digits[4:6], digits[6:]
    texts = {f"{year}-{month}-{day}", f"{day}.{month}.{year}", f"{day}/{month}/{year}"}
    texts |= {f"{month}/{day}/{year}", digits} - {part}
    return [Needle(text, (text.encode(),)) for text in sorted(texts)]


def _components(parts: list[str]) -> list[str]:
    """Groups and components of names (PS3.5 §6.2.1.1); components of one or two letters are too common."""
    groups = [group for part in parts for group in part.split("=")]
    names = [name.strip() for group in groups for name in group.split("^")]
    return groups + [name for name in names if len(name) > 2]
