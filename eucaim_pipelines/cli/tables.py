"""Tables for the terminal."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from eucaim_pipelines.cli.headless import Outcome

_FILES = ("received", "published", "quarantined", "duplicate", "pending")
_COUNTS = ("patients", "studies", "series", "instances")


def files_table(outcomes: Sequence[Outcome]) -> Table:
    """Where each dataset's files went."""
    table = _table("files", _FILES, "received = published + quarantined + duplicate + pending")
    for each in outcomes:
        table.add_row(each.dataset, *(str(each.balance[name]) for name in _FILES))
    return table


def release_table(outcomes: Sequence[Outcome]) -> Table:
    """What each dataset's release holds, the tier it reached, and how long this took."""
    table = _table("releases", (*_COUNTS, "tier", "seconds"), "")
    for each in outcomes:
        counts = (str(each.counts.get(name, "-")) for name in _COUNTS)
        table.add_row(each.dataset, *counts, str(each.tier_reached or "none"), f"{each.seconds:.1f}")
    return table


def _table(title: str, columns: Sequence[str], caption: str) -> Table:
    """A table of numbers that fits 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", caption=caption or None)
    table.caption_justify = "left"
    table.add_column("dataset", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def places(outcomes: Sequence[Outcome]) -> list[str]:
    """Where release and local report of each dataset lie."""
    lines = []
    for each in outcomes:
        lines += [
            f"{each.dataset}, {_tiers(each)}",
            f"  release  {each.release or 'none'}",
            f"  report   {each.report or 'none'}",
        ]
    return lines


def _tiers(outcome: Outcome) -> str:
    if outcome.tier_reached >= outcome.tier_aimed:
        return f"tier {outcome.tier_reached} as aimed at"
    reached = f"tier {outcome.tier_reached}" if outcome.tier_reached else "no tier"
    return f"{reached} reached, tier {outcome.tier_aimed} aimed at: the report says what is short"
