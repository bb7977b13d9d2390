"""Which spellings of a table or of headers may stand in a contract: short ones that enough people share.

What a column looks like is said in `profiles`; which code a spelling has is decided in `values`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from eucaim_pipelines.onboarding.profiles import MOST_SPELLINGS, Profile
from eucaim_pipelines.onboarding.sheets import Sheet

FEWEST_PEOPLE = 5
"""A spelling that fewer people have is never written: it could tell who somebody is.

Rows do not count: five visits may be those of one patient. Published health statistics hide counts below five
or ten. What is written here is a private draft, not a publication, and of the demo tables (30 patients each)
five tells 89 spellings of 139 and leaves 4 columns of 48 without any; ten tells 25 and leaves 24 of 46.
"""

_LONGEST = 60
_REVEALING = re.compile(r"@|\d{6,}|\d[-./]\d{1,2}[-./]\d")


def told(
    profiles: Iterable[Profile], sheet: Sheet, patient: int | None, persons: Sequence[int]
) -> tuple[Profile, ...]:
    """The profiles with the spellings of codes that may be told, and how many may not.

    Parameters
    ----------
    patient
        Position of the column that says which patient a row is of; without one no spelling is told.
    persons
        Positions of columns of persons: no spelling stands in one of them, whole or as a word.
    """
    cells = {cell.casefold() for position in persons for cell in sheet.column(position)}
    words = cells | {word for cell in cells for word in _words(cell)}
    return tuple(_with_spellings(each, sheet, patient, words) for each in profiles)


def shared(people: Mapping[str, Set[str]]) -> list[str]:
    """The spellings, in order, that enough people have and that show no number of one of them."""
    return sorted(
        spelling
        for spelling, who in people.items()
        if len(who) >= FEWEST_PEOPLE and len(spelling) <= _LONGEST and not _REVEALING.search(spelling)
    )


def _with_spellings(each: Profile, sheet: Sheet, patient: int | None, words: Set[str]) -> Profile:
    if each.looks not in ("words", "integer") or (each.looks == "integer" and each.distinct > MOST_SPELLINGS):
        return each
    rows: Counter[str] = Counter()
    people: defaultdict[str, set[str]] = defaultdict(set)
    for row in sheet.rows:
        for spelling in each.parts(row[each.position]):
            rows[spelling] += 1
            people[spelling] |= {row[patient]} - {""} if patient is not None else set()
    fit = [spelling for spelling in shared(people) if not _names(spelling, words)]
    kept = sorted(fit, key=lambda spelling: -rows[spelling])[:MOST_SPELLINGS]
    pairs = tuple((spelling, rows[spelling]) for spelling in kept)
    return replace(each, spellings=pairs, left_out=len(rows) - len(pairs))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]{4,}", text)


def _names(spelling: str, words: Set[str]) -> bool:
    plain = spelling.casefold()
    return plain in words or any(word in words for word in _words(plain))
