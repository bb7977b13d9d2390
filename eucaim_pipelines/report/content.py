"""What a report is made of: plain records that the assets fill.

How it is worded and drawn is in `page` and its template; nothing here chooses an edition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.reasons import Reason
from eucaim_pipelines.quality.risk.measure import Risk
from eucaim_pipelines.quality.verdict import Verdict
from eucaim_pipelines.report.summary import Summaries

DISPOSITIONS = ("published", "quarantined", "duplicate", "pending")


@dataclass(frozen=True)
class DispositionCount:
    """How many inputs of one kind (file, row) have one disposition for one reason."""

    kind: str
    disposition: str
    reason: str
    count: int


@dataclass(frozen=True)
class Sizes:
    """What the release holds; `series` are those of images, `annotations` all others."""

    patients: int
    studies: int
    series: int
    instances: int
    annotations: int = 0


@dataclass(frozen=True)
class ActionCount:
    """How often de-identification did one thing; `elements` counts elements over all objects and cells.

    `effect` is one of `EFFECTS`, or `COMPARED`.
    """

    effect: str
    elements: int


EFFECTS = {
    "kept": "as they were",
    "cleaned": "kept in a form that identifies nobody",
    "replaced": "by a dummy value, or by a new identifier that is the same everywhere",
    "emptied": "still there, without a value",
    "removed": "no longer there",
}
"""What becomes of elements, in words."""
COMPARED = "compared"
"""Not an effect: values of the input that were found to equal something kept at another place."""
MEANINGS = EFFECTS | {COMPARED: "values of the input that equal something kept at another place"}
_BY_ACTION = {"K": "kept", "C": "cleaned", "D": "replaced", "U": "replaced", "Z": "emptied", "E": COMPARED}
_BY_RULE = {("Z", "identifier"): "replaced"}
"""Rules that do more than their code of Table E.1-1a asks for: a keyed identifier instead of none."""


def effect(action: str, rule: str) -> str:
    """What became of an element, by action code of DICOM PS3.15 Table E.1-1a and the rule that acted.

    A composite action of a sequence has removed it: its items would be counted one by one.
    """
    return _BY_RULE.get((action, rule)) or _BY_ACTION.get(action, "removed")


DATES = {
    "shift": "Dates are shifted by a secret number of weeks per patient; "
    "no calendar year of a patient is given.",
    "day_one": "Dates are set to the first of their month; their year and month are the true ones.",
    "remove": "Dates are removed; no calendar year of a patient is given.",
}
"""What a reader must know of the dates, by policy of the source (`dates`)."""


@dataclass(frozen=True)
class Removal:
    """What de-identification did by kind of attribute, and what the search for identities came to.

    Attributes
    ----------
    objects, checked, converted, residuals, held_back
        Objects that can be released, those of them that were searched, those made from searched ones,
        identities that were found, inputs held back because of such a find.
    effects
        Elements by kind of attribute, then by effect (names of `EFFECTS`).
    explained
        Values of the input that equal something kept at another place, by class.
    """

    objects: int = 0
    checked: int = 0
    converted: int = 0
    residuals: int = 0
    held_back: int = 0
    effects: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    explained: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Alike:
    """A person whom few look like: pseudonym, how many do, and the same among the new or the changed."""

    patient: str
    alike: int
    kind: str | None
    alike_in_difference: int | None


@dataclass(frozen=True)
class Report:
    """One release's report, the same for both editions.

    Attributes
    ----------
    issued
        ISO date or time of the newest export.
    verdicts
        One per tier that was judged, lowest first.
    actions
        Evidence of de-identification.
    methods
        Name to text: profiles, engines and contracts with their versions and digests.
    reasons
        Meaning and remedy of the reason codes (`quality.reasons.load_reasons`).
    removal
        The evidence in detail; only the local edition shows its numbers.
    summaries
        What the tables hold, exact; each edition shows of it what it may.
    risk, least_alike
        Who could be singled out, exact; and how many people must look alike to count as many.
    """

    source: SourceContract
    version: str
    issued: str
    verdicts: Sequence[Verdict]
    findings: Sequence[Finding]
    dispositions: Sequence[DispositionCount]
    sizes: Sizes
    actions: Sequence[ActionCount]
    methods: Mapping[str, str]
    reasons: Mapping[str, Reason]
    removal: Removal = Removal()
    summaries: Summaries = field(default_factory=Summaries)
    risk: Risk | None = None
    least_alike: int = 0


@dataclass(frozen=True)
class HeldFile:
    """A file that was not published; `where` is its export and, in the restricted zone only, its path."""

    sha256: str
    reason: str
    where: str = ""


@dataclass(frozen=True)
class RowPointer:
    """A row of a clinical file that needs attention: `file` is the name in the source contract, `what` a
    reason code, or words."""

    file: str
    line: int
    what: str


@dataclass(frozen=True)
class UnmappedValue:
    """A local value that stands in no value map, as received; never leaves the restricted zone."""

    file: str
    field: str
    vocabulary: str
    value: str
    rows: int
    patients: int = 0
    nearest: Sequence[str] = ()


@dataclass(frozen=True)
class LessExact:
    """Values of one field that say more than was told, and what was told of them (a name of `RECEIVED`)."""

    file: str
    field: str
    why: str
    rows: int
    patients: int


FORMATS = ("age", "number", "integer", "days", "timepoint", "date", "boolean", "study_uid", "episode")
"""What stands in place of a vocabulary where a cell is read and not coded (`cdm.coding.TYPES`)."""
RECEIVED = {
    "limit": "a limit such as <0.1, kept as its number",
    "month": "a month, kept as its first day",
    "year": "a year, kept as its first of January",
}
"""What stands behind a value that looks more exact than it is (`cdm.coding.LESS_EXACT`), in words."""


@dataclass(frozen=True)
class RowChanges:
    """Rows of one clinical file as received, against those of the last release."""

    file: str
    new: int
    changed: int
    removed: int


@dataclass(frozen=True)
class UnknownTerm:
    """A code string of the images that no list of terms knows, as received; it never leaves the restricted
    zone. Once it stands in `data_contracts/deidentification/cs_terms.csv` it is kept."""

    keyword: str
    term: str
    objects: int


@dataclass(frozen=True)
class Pointer:
    """One entry that a check found: the patient's pseudonym, and the rows or files that made it."""

    patient: str
    where: str


@dataclass(frozen=True)
class Pointers:
    """Entries that one check found: the first of them, and how many there are."""

    shown: Sequence[Pointer]
    total: int


@dataclass(frozen=True)
class LocalDetail:
    """What only the local edition shows; with it a report is local, without it shareable."""

    files: Sequence[HeldFile] = field(default=())
    rows: Sequence[RowPointer] = field(default=())
    unmapped: Sequence[UnmappedValue] = field(default=())
    unknown_terms: Sequence[UnknownTerm] = field(default=())
    less_exact: Sequence[LessExact] = field(default=())
    row_changes: Sequence[RowChanges] = field(default=())
    pointers: Mapping[str, Pointers] = field(default_factory=dict)
    rare: Sequence[Alike] = field(default=())
