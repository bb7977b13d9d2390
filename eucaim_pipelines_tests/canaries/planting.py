"""One object under construction: values that occur nowhere else are put into it, and their places noted.

Which places get one is said in the modules `plant_*`.
"""

from collections.abc import Callable
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, tag_for_keyword

from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import SCRIPTS, Tokens

BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q", "AT": "I"}
AS_STRINGS = frozenset({"LO", "SH", "UC", "CS", "AE"})
CHARSETS = {"iso8859_7": "ISO_IR 126", "iso8859_5": "ISO_IR 144", "latin_1": "ISO_IR 100"}
CHARSETS |= {"iso2022_jp": "\\ISO 2022 IR 87", "utf-8": "ISO_IR 192"}


class Plant(NamedTuple):
    """One planted value.

    Attributes
    ----------
    token
        The text that must be gone; ages and binary numbers are too short for a search and are compared at
        their own place, as the bytes that were written there.
    sort
        text, uid, day, time, number, age or binary.
    place
        Tags of the sequences above, outermost first.
    group
        What it is an example of.
    """

    token: str | bytes
    sort: str
    place: tuple[int, ...]
    tag: int
    vr: str
    group: str

    @property
    def there(self) -> tuple[tuple[int, ...], int, str | bytes]:
        """Where it stands, and the value."""
        return self.place, self.tag, self.token


class Planted(NamedTuple):
    """A file and what was planted in it."""

    name: str
    syntax: str
    data: bytes
    plants: tuple[Plant, ...]


class Planter:
    """Puts tokens into the items of one object.

    Parameters
    ----------
    tokens
        Where they come from; shared by all objects of a family.
    syntax
        Transfer syntax, which decides the byte order of numbers.
    encoding
        Python's name of the character set; a key of `CHARSETS`.
    """

    def __init__(self, tokens: Tokens, syntax: str, encoding: str = "utf-8") -> None:
        self.tokens, self.syntax, self.encoding = tokens, syntax, encoding
        self.plants: list[Plant] = []

    def put(
        self, item: Item, tag: int, vr: str, place: tuple[int, ...] = (), group: str = "", many: int = 1
    ) -> None:
        """Plant a value of a VR; `many` values where the VR can hold several."""
        written = []

        def note(token: str | bytes, sort: str) -> str:
            written.append(Plant(token, sort, place, tag, vr, group))
            return token if isinstance(token, str) else ""

        item[tag] = self._element(vr, many, note)
        self.plants += written

    def put_at(self, item: Item, path: str, place: tuple[int, ...], group: str) -> None:
        """Plant at a path of keywords below an item; sequences on the way are made or continued."""
        *above, last = map(_tag, path.split("."))
        for tag in above:
            known = item.setdefault(tag, Element("SQ", [{}])).value
            assert isinstance(known, list)
            item, place = known[-1], (*place, tag)
        self.put(item, last, dictionary_VR(last).split(" or ")[0], place, group)

    def as_text(
        self, item: Item, tag: int, vr: str, place: tuple[int, ...], group: str, form: str = "{}"
    ) -> None:
        """Plant a token of letters under any VR, in the middle of `form`."""
        token = self.tokens.text()
        self.plants.append(Plant(token, "text", place, tag, vr, group))
        item[tag] = Element(vr, form.format(token).encode(self.encoding))

    def _element(self, vr: str, many: int, note: Callable[[str | bytes, str], str]) -> Element:
        tokens = self.tokens
        if vr == "PN":
            return self._text(vr, "\\".join(self._name(note) for _ in range(many)))
        if vr == "UI":
            return self._text(vr, "\\".join(note(tokens.uid(), "uid") for _ in range(many)))
        if vr == "DA":
            return self._text(vr, "\\".join(note(tokens.day(), "day") for _ in range(many)))
        if vr == "TM":
            return self._text(vr, "\\".join(note(tokens.time(), "time") for _ in range(many)))
        if vr == "DT":
            moments = (note(tokens.day(), "day") + note(tokens.time(), "time") for _ in range(many))
            return self._text(vr, "\\".join(moments))
        if vr in ("IS", "DS"):
            return self._text(vr, "\\".join(note(tokens.number(), "number") for _ in range(many)))
        if vr in BINARY or vr == "AS":
            element = self._short(vr, many)
            note(bytes(element.value), "age" if vr == "AS" else "binary")  # type: ignore[arg-type]
            return element
        if vr == "UR":
            return self._text(vr, f"http://{note(tokens.text(), 'text')}.example/")
        count = many if vr in AS_STRINGS else 1
        return self._text(vr, "\\".join(note(tokens.text(), "text") for _ in range(count)))

    def _name(self, note: Callable[[str | bytes, str], str]) -> str:
        """Five components, and an ideographic and a phonetic group in the letters of the character set."""
        alphabetic = "^".join(note(self.tokens.text(), "text") for _ in range(5))
        scripts = [self.encoding] * 2 if self.encoding in SCRIPTS else list(SCRIPTS)[:2]
        return "=".join([alphabetic, *(note(self.tokens.script(script), "text") for script in scripts)])

    def _short(self, vr: str, many: int) -> Element:
        digits = int(self.tokens.number()[2:])
        if vr == "AS":
            return self._text(vr, f"{1 + digits % 88:03d}Y")
        values = [1 + (digits + place) % 7_000 for place in range(many)]  # no byte of it is a letter
        return raw.number(vr, BINARY[vr], *values, syntax=self.syntax)

    def _text(self, vr: str, value: str) -> Element:
        return raw.text(vr, value, self.encoding)


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag
