"""Which numbers may leave a node: small counts, rounding, suppression, pooling, ages and years.

Answers to queries follow other rules and are not here; neither is what a report says around the numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

THRESHOLD = 10
"""Fewest people that a published number, category or calendar year may stand for."""

SMALL = f"<{THRESHOLD}"
WITHHELD = "not shown"
POOLED_AGE = 90
_ROUNDED = "+"
_LARGEST_SMALL = THRESHOLD - 1
_AGE_BUCKET_YEARS = 5


def shown(count: int) -> str:
    """A single count as it may leave: zero stays, 1 to 9 become `<10`, the rest is rounded down to tens.

    A rounded count reads `40+` and stands for 40 to 49. Of two rounded counts, one within the other, the
    difference may always be any of 1 to 9 or none of them; two releases seldom differ by one person.
    """
    if 0 < count < THRESHOLD:
        return SMALL
    return f"{count - count % THRESHOLD}{_ROUNDED}" if count else "0"


def rounded(count: int) -> int | None:
    """A count that must stand as a number: rounded down to tens, None under 10.

    Of two releases that differ by one person both mostly state the same number, so that the difference of
    exact totals tells nobody who came or went; where it moves, it moves by ten.
    """
    return count - count % THRESHOLD if count >= THRESHOLD else None


def rounded_bytes(size: int) -> int:
    """A size in bytes, rounded down to two significant digits: a patient's images are no difference."""
    step = 10 ** max(0, len(str(size)) - 2)
    return size - size % step


def shown_changes(counts: Sequence[int], people: Sequence[int]) -> tuple[str, ...]:
    """What was added, changed and removed, as it may leave.

    Where one of the three is 1 to 9, or belongs to 1 to 9 people, all three only say that there is
    something: with the totals of two releases they would tell of each other.
    """
    small = any(0 < count < THRESHOLD for count in (*counts, *people))
    return tuple(WITHHELD if count and small else shown(count) for count in counts)


def shown_part(count: int, *wholes: int) -> str:
    """A count that is part of wholes whose exact number a reader may know, as it may leave.

    It becomes `not shown` where it would give the rest of a whole away (`gives_rest_away`).
    """
    return WITHHELD if any(gives_rest_away(count, whole) for whole in wholes) else shown(count)


def gives_rest_away(count: int, whole: int) -> bool:
    """Whether a part of a known whole says that the rest is 1 to 9, by more than that it is hidden.

    A whole under 19 cannot be told in two without one part under 10 saying how large the other is, so
    that of it no part is shown at all, but for none and all.
    """
    if whole < THRESHOLD or not 0 < count < whole:
        return False
    return whole - count < THRESHOLD or whole < THRESHOLD + _LARGEST_SMALL


def at_least(text: str) -> int | None:
    """The number that a text of `shown` or an exact one states; None for `<10` and `not shown`."""
    digits = text.removesuffix(_ROUNDED)
    return int(digits) if digits.isdigit() else None


@dataclass(frozen=True)
class Shown:
    """Cells of one row and their total as they may leave, in the order they came."""

    cells: tuple[str, ...]
    total: str


def suppress(cells: Sequence[int]) -> Shown:
    """Cells that sum up to a total, so shown that no small cell follows from the others.

    Small cells become `<10`. While the total would narrow one of them to fewer than all of 1 to 9, the
    smallest remaining cell becomes `not shown` too; when none remains, the total does. A reader is
    assumed to know the rule, thus that a cell `not shown` is at least 10. What is hidden protects against
    a reader who knows the exact numbers of what is shown; they are rounded all the same.
    """
    small = {i for i, count in enumerate(cells) if 0 < count < THRESHOLD}
    total = sum(cells)
    large = sorted((i for i, count in enumerate(cells) if count >= THRESHOLD), key=lambda i: (cells[i], i))
    withheld: set[int] = set()
    total_shown = shown(total)
    while small and not _ambiguous(len(small), len(withheld), sum(cells[i] for i in small | withheld)):
        if not large:
            total_shown = WITHHELD if total >= THRESHOLD else SMALL
            break
        withheld.add(large.pop(0))
    texts = [WITHHELD if i in withheld else shown(count) for i, count in enumerate(cells)]
    return Shown(tuple(texts), total_shown)


def suppress_within(cells: Sequence[int], parent: str) -> tuple[str, ...]:
    """Parts of one cell of a larger table, `parent` being that cell as it is shown.

    Where the parent is hidden its parts must not add up to it, so all of them are hidden. A parent that is
    shown counts as known exactly.
    """
    if parent in (SMALL, WITHHELD):
        return tuple(WITHHELD if count >= THRESHOLD else shown(count) for count in cells)
    part = suppress(cells)
    if part.total != WITHHELD:
        return part.cells
    return tuple(WITHHELD if count else "0" for count in cells)


def _ambiguous(small: int, withheld: int, hidden_sum: int) -> bool:
    """Whether each hidden small cell may still be any of 1 to 9, given the sum of all hidden cells."""
    largest = hidden_sum - (small - 1) - THRESHOLD * withheld
    smallest = 1 if withheld else hidden_sum - _LARGEST_SMALL * (small - 1)
    return smallest <= 1 and largest >= _LARGEST_SMALL


def released_values(people_by_value: Mapping[str, Iterable[str]], root: str | None = None) -> tuple[str, ...]:
    """Values that a mandatory list of the catalogue may name.

    Values that fewer than 10 people have are pooled into `root`, the concept above all values of the
    list, if together they stand for at least 10 people; otherwise, and without a root, they are dropped.

    Parameters
    ----------
    people_by_value
        For each code the pseudonyms of the people who have it.
    """
    people = {value: frozenset(who) for value, who in people_by_value.items() if value}
    kept = {value for value, who in people.items() if len(who) >= THRESHOLD}
    pooled = frozenset[str]().union(*(who for value, who in people.items() if value not in kept))
    if root is not None and len(pooled) >= THRESHOLD:
        kept.add(root)
    return tuple(sorted(kept))


def typical_ages(ages: Mapping[str, Sequence[float]]) -> tuple[int, int] | None:
    """Ages between which the people of a dataset typically lie, in whole years, five-year buckets.

    The lower end is the start of the bucket in which the tenth-youngest person falls, the upper end the
    end of the bucket of the tenth-oldest, so that neither end tells of fewer than 10 people. From 90 on
    ages are one bucket, shown as 90.

    Parameters
    ----------
    ages
        Ages in years of each person; several, when the person was seen several times.

    Returns
    -------
    tuple or None
        None for fewer than 10 people with a known age.
    """
    known = [list(each) for each in ages.values() if len(each)]
    if len(known) < THRESHOLD:
        return None
    youngest = sorted(min(each) for each in known)[THRESHOLD - 1]
    oldest = sorted((max(each) for each in known), reverse=True)[THRESHOLD - 1]
    low, high = age_bucket(youngest)[0], age_bucket(oldest)[1]
    return min(low, high), max(low, high)


def age_bucket(age_years: float) -> tuple[int, int]:
    """First and last whole year of the five-year bucket of an age; 90 and above is (90, 90)."""
    if age_years >= POOLED_AGE:
        return POOLED_AGE, POOLED_AGE
    low = int(age_years // _AGE_BUCKET_YEARS) * _AGE_BUCKET_YEARS
    return low, low + _AGE_BUCKET_YEARS - 1


def released_years(people_by_year: Mapping[int, int]) -> tuple[int, int] | None:
    """First and last calendar year with at least 10 patients; None when no year has as many.

    The years must be true ones, aggregated before dates were shifted, and never stand beside shifted dates.
    """
    years = sorted(year for year, people in people_by_year.items() if people >= THRESHOLD)
    return (years[0], years[-1]) if years else None


def finest_spacing(spacings_mm: Mapping[str, float]) -> str | None:
    """The spacing between pixels or slices that ten people's images reach, in metres (`metres`).

    Parameters
    ----------
    spacings_mm
        The finest spacing of each person's images, in millimetres.

    Returns
    -------
    str or None
        None for fewer than 10 people.
    """
    known = sorted(spacings_mm.values())
    return metres(known[THRESHOLD - 1]) if len(known) >= THRESHOLD else None


def metres(millimetres: float) -> str:
    """Millimetres as metres, two significant digits, without an exponent."""
    number = Decimal(f"{millimetres:.1e}").scaleb(-3)
    return f"{number.normalize():f}"
