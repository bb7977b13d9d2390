"""The answer key: what is expected of each element of an object, and the benchmark's rules that decide it.

Rules as in the benchmark's published validation script, in our own words; where ours is stricter, it says so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydicom import Dataset
from pydicom.dataelem import DataElement

ACTIONS = (
    "tag_retained",
    "text_notnull",
    "text_removed",
    "text_retained",
    "date_shifted",
    "patid_consistent",
    "pixels_hidden",
    "pixels_retained",
    "uid_changed",
    "uid_consistent",
)
Path = tuple[int, ...]
"""Tags and item indices in turn: (sequence, item, …, element)."""
_STOPWORDS = frozenset(
    (
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "of",
        "on",
        "or",
        "the",
        "to",
        "with",
    )
)
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")


class Answer(NamedTuple):
    """One expectation: the action, the place, and the text or value of the source that it is about."""

    action: str
    path: Path
    text: str = ""


def elements(ds: Dataset, path: Path = ()) -> Iterator[tuple[Path, DataElement]]:
    """Every element with its place, at every depth, sequences included."""
    for element in ds:
        here = (*path, int(element.tag))
        yield here, element
        if element.VR == "SQ":
            for index, item in enumerate(element.value or ()):
                yield from elements(item, (*here, index))


def text_of(element: DataElement) -> str:
    """An element's value as text, several values joined by a backslash."""
    if element.value is None:
        return ""
    if isinstance(element.value, str | bytes) or not hasattr(element.value, "__iter__"):
        value = element.value
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return "\\".join(str(each) for each in element.value)


def passed(answer: Answer, after: Mapping[Path, DataElement], whole: bytes) -> bool:
    """Whether an output meets an expectation about one element.

    Parameters
    ----------
    answer
        One of the six actions that look at a single element.
    after
        The output's elements by place.
    whole
        The output's bytes outside its pixel data. The benchmark looks at the element's own place; a removed
        text must not stand anywhere else either.
    """
    element = after.get(answer.path)
    value = "" if element is None else text_of(element)
    if answer.action == "tag_retained":
        return element is not None
    if answer.action == "text_notnull":
        return element is not None and bool(len(element.value) if element.VR == "SQ" else value)
    if answer.action == "text_retained":
        return bool(value) and _kept_words(answer.text, value) == 1.0
    if answer.action == "text_removed":
        gone = not value or (
            answer.text.casefold() not in value.casefold() and not _kept_words(answer.text, value)
        )
        return gone and not any(form in whole for form in _forms(answer.text))
    return not value or answer.text not in value  # date_shifted, uid_changed


def _kept_words(text: str, value: str) -> float:
    """Share of the words of a text that stand in a value, case ignored, stop words and punctuation aside."""
    if _is_number(text) and _is_number(value):
        return float(float(text) == float(value))
    if text.casefold() in value.casefold():
        return 1.0
    words = [word for word in _WORD.findall(text.casefold()) if word not in _STOPWORDS]
    return sum(word in value.casefold() for word in words) / len(words) if words else 0.0


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "utf-16-le"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue
