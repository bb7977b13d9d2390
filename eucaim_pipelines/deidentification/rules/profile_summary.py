"""The profile in a page: groups of rules with the number of attributes that follow them, as the README shows.

Run as a module it prints that part of the README; a test compares. What a rule does is in `replacements`.
"""

import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from eucaim_pipelines.deidentification.rules.profile import Profile

_WIDTH = 110


class Group(NamedTuple):
    """Rules that do the same kind of thing: their names in the profile, whom they are for, what they do."""

    what: str
    handlers: tuple[str, ...]
    does: str


GROUPS = (
    Group("patient's name and number", ("patient",), "the pseudonym"),
    Group("UIDs", ("uid",), "new under the key, the same wherever they occur; those of the Standard stay"),
    Group("identifiers with a shape", ("identifier",), "new under the key, in the same shape"),
    Group(
        "dates and times of the patient",
        ("date", "content_date", "time"),
        "shifted (see `dates`); times stay",
    ),
    Group("ages", ("age",), "stay; pooled from 90 years on"),
    Group("numbers", ("number", "content_number"), "stay if VR and multiplicity fit"),
    Group("pixels, points and tables", ("pixels", "binary", "icc"), "stay; streams and profiles rebuilt"),
    Group("sequences", ("walk", "dimensions", "dimension_values"), "their items follow the same rules"),
    Group("code strings", ("terms",), "listed terms stay; others are emptied, or `OTHER`"),
    Group("codes", ("code", "context_version"), "public ones stay, meaning rewritten; local ones keyed"),
    Group("technical text", ("pattern", "vocabulary"), "stays where a pattern or list knows it"),
    Group("descriptions", ("map",), "become what the source contract says, else go"),
    Group("labels that others refer to", ("label", "token", "reference"), "small integers or keyed tokens"),
    Group("text within reports", ("content_text", "constant", "dummy_code"), "replaced by `REMOVED`"),
    Group("marks of what was done", ("marks", "charset"), "written anew"),
    Group("everything else that is listed", ("clear",), "removed; emptied or a dummy where one must stand"),
)
NOT_LISTED = "private elements but the numbers of `private.csv`, unknown tags, wrong VRs"
OTHER_REASONS = {
    "private": "private elements",
    "private number": "private numbers kept",
    "not listed": "attributes that the profile does not name",
    "other VR": "elements of another VR than their attribute's",
    "unknown term": "code strings that no list knows",
}
"""Words for reasons of the evidence that are no rule."""


def words(reason: str) -> str:
    """What a reason of the evidence is about; a class of explained hits says so itself."""
    by_handler = {handler: group.what for group in GROUPS for handler in group.handlers}
    return OTHER_REASONS.get(reason) or by_handler.get(reason, reason)


def readme(profile: Profile) -> str:
    """The part of the README: a table of groups, and the text that may stay."""
    return "\n".join([*_table(profile), "", *_paragraphs(profile)]) + "\n"


def _table(profile: Profile) -> Iterator[str]:
    yield "| what | attributes | of Table E.1-1 | what happens to them |"
    yield "|---|---:|---:|---|"
    rows = Counter(_handler(row) for row in profile.rows)
    listed = Counter(_handler(row) for row in profile.rows if row["edition"])
    for group in GROUPS:
        count, standard = (sum(c[name] for name in group.handlers) for c in (rows, listed))
        yield f"| {group.what} | {count} | {standard} | {group.does} |"
    yield f"| {NOT_LISTED} | | | removed |"
    yield f"| all rows | {rows.total()} | {listed.total()} | |"


def _paragraphs(profile: Profile) -> Iterator[str]:
    editions = ", ".join(f"{count} of {edition}" for edition, count in profile.editions.items())
    why = sum(bool(row["why"]) and bool(row["edition"]) for row in profile.rows)
    yield from _wrapped(
        f"Table E.1-1 is that of PS3.15 ({editions}); {why} of its rows deviate, each with its reason. "
        f"Text that may stay: {_keywords(profile, 'pattern', 'vocabulary')}; "
        f"as the source contract maps it: {_keywords(profile, 'map')}."
    )
    yield ""
    off = {option: [r for r in profile.rows if r["option"] == option] for option in ("113105", "113108")}
    characteristics = ", ".join(row["keyword"] for row in off["113108"] if row["rule"] != "clear")
    yield from _wrapped(
        f"Without `descriptors` the {len(off['113105'])} attributes of Clean Descriptors follow the Basic "
        f"Profile, without `patient_characteristics` the {len(off['113108'])} of Retain Patient "
        f"Characteristics do, of which these stay otherwise: {characteristics}."
    )


def _keywords(profile: Profile, *handlers: str) -> str:
    return ", ".join(sorted(row["keyword"] for row in profile.rows if _handler(row) in handlers))


def _handler(row: dict[str, str]) -> str:
    return row["rule"].partition(":")[0]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.stdout.write(readme(Profile.load()))
