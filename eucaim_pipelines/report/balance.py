"""The balance of inputs as a table and a bar: received = published + quarantined + duplicate + pending.

What is hidden in the shareable edition is decided by `quality.disclosure`; the bar is drawn from what is
shown, so that no width gives a hidden number away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.report.content import DISPOSITIONS, DispositionCount

BALANCED_CHECKS = frozenset({"linkage.quarantined_files", "linkage.duplicate_keys", "linkage.removed_rows"})
"""Findings whose number the balance shows too, or hides; the shareable edition shows it there only."""

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


def balances(counts: Sequence[DispositionCount], *, local: bool) -> list[Balance]:
    """One balance per kind of input, files first; exact when `local`, else under disclosure control."""
    kinds = sorted({each.kind for each in counts}, key=lambda kind: (kind != "file", kind))
    return [_balance(kind, [each for each in counts if each.kind == kind], local) for kind in kinds]


def _balance(kind: str, counts: Sequence[DispositionCount], local: bool) -> Balance:
    cells = [sum(each.count for each in counts if each.disposition == name) for name in DISPOSITIONS]
    shown = _exact(cells) if local else disclosure.suppress(cells)
    rows, x = [], 0.0
    for name, text, width in zip(DISPOSITIONS, shown.cells, _widths(shown), strict=True):
        parts = sorted((each for each in counts if each.disposition == name), key=lambda each: each.reason)
        if name == "published" and not local:
            parts = []  # which of them are tables tells nothing, and would hide the numbers beside it
        numbers = [each.count for each in parts]
        texts = _exact(numbers).cells if local else disclosure.suppress_within(numbers, text)
        reasons = tuple(ReasonRow(each.reason, one) for each, one in zip(parts, texts, strict=True))
        rows.append(DispositionRow(name, text, reasons, x, width))
        x += width
    return Balance(kind, _KINDS.get(kind, kind.capitalize()), shown.total, tuple(rows))


def _exact(cells: Sequence[int]) -> disclosure.Shown:
    return disclosure.Shown(tuple(str(each) for each in cells), str(sum(cells)))


def _widths(shown: disclosure.Shown) -> list[float]:
    """Widths from the shown texts alone: `<10` counts as 5, what is `not shown` shares the rest."""
    weights = [float(text) if text.isdigit() else 5.0 for text in shown.cells]
    withheld = [i for i, text in enumerate(shown.cells) if text == disclosure.WITHHELD]
    if withheld and shown.total.isdigit():
        known = sum(weight for i, weight in enumerate(weights) if i not in withheld)
        for i in withheld:
            weights[i] = max(5.0, (float(shown.total) - known) / len(withheld))
    whole = sum(weights) or 1.0
    return [round(_BAR_WIDTH * weight / whole, 1) for weight in weights]
