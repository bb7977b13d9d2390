"""What the summaries of a dataset hold: plain records of exact counts, with the people behind each of them.

How they are computed is in `summaries*`; what of them an edition shows, in `edition`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Entries (series, studies, rows) of one kind, and how many patients they belong to."""

    name: str
    entries: int
    patients: int


@dataclass(frozen=True)
class Share:
    """How many of some entries have something.

    Attributes
    ----------
    base, given
        Entries looked at, and those of them that have it.
    people, without
        Patients of the entries, and those of them with at least one entry that does not have it.
    """

    name: str
    base: int
    given: int
    people: int
    without: int


@dataclass(frozen=True)
class Parameter:
    """One acquisition parameter in the series of one modality.

    Attributes
    ----------
    values
        Lowest, lower quartile, median, upper quartile and highest value, in `unit`.
    below, above
        Patients with a value at or below the lower quartile, and at or above the upper one.
    outliers
        Series, and their patients, that lie far from the middle half (`summaries_imaging`).
    """

    name: str
    unit: str
    modality: str
    series: int
    patients: int
    values: tuple[float, float, float, float, float]
    below: int
    above: int
    outliers: Group


@dataclass(frozen=True)
class Imaging:
    """The image series of a dataset, by what they are and how they were made.

    Attributes
    ----------
    descriptions
        By harmonised description; the name is empty for series without one.
    unmapped
        Released descriptions that no code stands for; only the local edition names them.
    faults
        What is wrong with series: missing slices, gaps, repeated pixels; of `series`.
    """

    series: Group = Group("series", 0, 0)
    modalities: Sequence[Group] = ()
    body_parts: Sequence[Group] = ()
    manufacturers: Sequence[Group] = ()
    descriptions: Sequence[Group] = ()
    unmapped: Sequence[Group] = ()
    faults: Sequence[Group] = ()
    parameters: Sequence[Parameter] = ()


@dataclass(frozen=True)
class Variable:
    """Completeness of one field; `shares` are overall and then by timepoint, None where it has no entries.

    `unit` is what the shares count: patients, studies, series.
    """

    table: str
    field: str
    requirement: str
    unit: str
    shares: Sequence[Share | None]


@dataclass(frozen=True)
class Completeness:
    """Variables by timepoint of imaging; `columns` names the shares of each."""

    columns: Sequence[str] = ()
    variables: Sequence[Variable] = ()


@dataclass(frozen=True)
class Bin:
    """A stretch of days from diagnosis: imaging studies and treatments in it, and their patients."""

    name: str
    studies: Group
    treatments: Group


@dataclass(frozen=True)
class Linkage:
    """How images, clinical tables and time belong together.

    Attributes
    ----------
    both, images_only, table_only
        Patients by where they are known from; together all patients.
    studies
        What is known of the imaging studies: days from diagnosis, timepoint, age, episode.
    timeline
        Days from diagnosis in order; the last bin may hold what has no day.
    """

    both: int = 0
    images_only: int = 0
    table_only: int = 0
    studies: Sequence[Share] = ()
    timeline: Sequence[Bin] = ()


@dataclass(frozen=True)
class Unmapped:
    """Local values of one column that have no code; counts, and what may be told of them outside.

    Attributes
    ----------
    values, rows
        Distinct values, and the rows that hold one of them.
    patients
        Patients of the value that most of them have.
    nearest
        Labels and codes that come near to values which at least 10 patients have.
    """

    file: str
    field: str
    vocabulary: str
    values: int
    rows: int
    patients: int
    nearest: Sequence[str] = ()


@dataclass(frozen=True)
class Difference:
    """What of one kind of thing was added, changed and removed since another release, and whose it is.

    Attributes
    ----------
    total
        How many there are now.
    people
        Patients of the added, changed and removed ones, in this order.
    """

    name: str
    total: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    people: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class Changes:
    """What changed since an earlier release of the same tier; `previous` is its version, None at the first.

    `columns` are columns of tables that came or went with a new version of a contract; `lost` are tables of
    the earlier release that could not be read any more.
    """

    previous: str | None = None
    differences: Sequence[Difference] = ()
    columns: Sequence[str] = ()
    lost: Sequence[str] = ()


@dataclass(frozen=True)
class Summaries:
    """All summaries of one release."""

    imaging: Imaging = Imaging()
    completeness: Completeness = Completeness()
    linkage: Linkage = Linkage()
    unmapped: Sequence[Unmapped] = ()
    changes: Changes | None = None
