"""The balance of inputs as a table and a bar: received = published + quarantined + duplicate + pending.

What is hidden in the shareable edition is decided by `quality.disclosure`; the bar is drawn from what is
shown, so that no width gives a hidden number away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.report.content import DISPOSITIONS, Report

BALANCED_CHECKS = frozenset({"linkage.quarantined_files", "linkage.duplicate_keys", "linkage.removed_rows"})
"""Findings whose number the balance shows too, or hides; the shareable edition shows it there only."""

IMAGES_ONLY, TABLE_ONLY = "patient.in_clinical_tables", "patient.in_images"
_BAR_WIDTH = 720.0
_KINDS = {"file": "Files", "row": "Rows of clinical files"}


@dataclass(frozen=True)
class ReasonRow:
    """One reason within a disposition, its count as shown."""

    code: str
    count: str


@dataclass(frozen=True)
class DispositionRow:
    """One disposition with its reasons, and its piece of the bar in user units."""

    name: str
    count: str
    reasons: tuple[ReasonRow, ...]
    x: float
    width: float


@dataclass(frozen=True)
class Balance:
    """All inputs of one kind."""

    kind: str
    title: str
    total: str
    rows: tuple[DispositionRow, ...]

    @property
    def heading(self) -> str:
        """Title and, where it is shown, the total."""
        return self.title if self.total == disclosure.WITHHELD else f"{self.title}: {self.total} received"

    def count(self, disposition: str) -> str:
        """How many inputs have a disposition, as shown."""
        return next(row.count for row in self.rows if row.name == disposition)


def balances(report: Report, *, local: bool) -> list[Balance]:
    """One balance per kind of input, files first; exact when `local`, else under disclosure control."""
    kinds = sorted({each.kind for each in report.dispositions}, key=lambda kind: (kind != "file", kind))
    return [_balance(kind, report, local) for kind in kinds]


def _balance(kind: str, report: Report, local: bool) -> Balance:
    counts = [each for each in report.dispositions if each.kind == kind]
    cells = [sum(each.count for each in counts if each.disposition == name) for name in DISPOSITIONS]
    hidden = not local and kind == "row" and _rows_tell_people(report, cells)
    if hidden:
        shown = disclosure.Shown(_hidden(cells), disclosure.WITHHELD)
    else:
        shown = _exact(cells) if local else disclosure.suppress(cells)
    rows, x = [], 0.0
    for name, text, width in zip(DISPOSITIONS, shown.cells, _widths(shown), strict=True):
        parts = sorted((each for each in counts if each.disposition == name), key=lambda each: each.reason)
        if name == "published" and not local:
            parts = []  # which of them are tables tells nothing, and would hide the numbers beside it
        numbers = [each.count for each in parts]
        if hidden:
            texts = _hidden(numbers)
        else:
            texts = _exact(numbers).cells if local else disclosure.suppress_within(numbers, text)
        reasons = tuple(ReasonRow(each.reason, one) for each, one in zip(parts, texts, strict=True))
        rows.append(DispositionRow(name, text, reasons, x, width))
        x += width
    return Balance(kind, _KINDS.get(kind, kind.capitalize()), shown.total, tuple(rows))


def _rows_tell_people(report: Report, cells: Sequence[int]) -> bool:
    """Whether rows of clinical files would tell how few people have images only.

    Where the key of a file is the patient alone, its rows are people: those of the dataset but for those
    with images only.
    """
    by_patient = any(
        spec.key == (spec.columns[spec.patient_column].field,) for spec in report.source.clinical
    )
    people = report.sizes.patients
    images_only = sum(each.failed for each in report.findings if each.check == IMAGES_ONLY)
    candidates = (people - images_only, sum(cells), *cells)
    return by_patient and any(disclosure.gives_rest_away(count, people) for count in candidates)


def _hidden(cells: Sequence[int]) -> tuple[str, ...]:
    return tuple(disclosure.WITHHELD if count else "0" for count in cells)


def _exact(cells: Sequence[int]) -> disclosure.Shown:
    return disclosure.Shown(tuple(str(each) for each in cells), str(sum(cells)))


def _widths(shown: disclosure.Shown) -> list[float]:
    """Widths from the shown texts alone: `<10` counts as 5, what is `not shown` shares the rest.

    Nothing is drawn where no number and no total is shown.
    """
    if shown.total == disclosure.WITHHELD and set(shown.cells) <= {disclosure.WITHHELD, "0"}:
        return [0.0 for _ in shown.cells]
    numbers = [disclosure.at_least(text) for text in shown.cells]
    weights = [5.0 if number is None else float(number) for number in numbers]
    withheld = [i for i, text in enumerate(shown.cells) if text == disclosure.WITHHELD]
    total = disclosure.at_least(shown.total)
    if withheld and total is not None:
        known = sum(weight for i, weight in enumerate(weights) if i not in withheld)
        for i in withheld:
            weights[i] = max(5.0, (total - known) / len(withheld))
    whole = sum(weights) or 1.0
    return [round(_BAR_WIDTH * weight / whole, 1) for weight in weights]
