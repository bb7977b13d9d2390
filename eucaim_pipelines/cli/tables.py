"""Tables for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from eucaim_pipelines.cli.headless import Outcome

_FILES = ("received", "published", "quarantined", "duplicate", "pending")
_COUNTS = ("patients", "studies", "series", "instances")


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """One row per dataset: where its files went, what its release holds, tier, seconds, places."""
    table = Table(show_lines=True, caption="files: received = published + quarantined + duplicate + pending")
    table.add_column("dataset", no_wrap=True)
    for name in (*_FILES, *_COUNTS):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("tier", justify="right")
    table.add_column("seconds", justify="right")
    for each in outcomes:
        table.add_row(
            each.dataset,
            *(str(each.balance[name]) for name in _FILES),
            *(str(each.counts.get(name, "-")) for name in _COUNTS),
            str(each.tier_reached) if each.tier_reached else "none",
            f"{each.seconds:.1f}",
        )
    return table


def places(outcomes: Sequence[Outcome]) -> list[str]:
    """Where release and local report of each dataset lie."""
    lines = []
    for each in outcomes:
        lines += [
            f"{each.dataset}",
            f"  release  {each.release or 'none'}",
            f"  report   {each.report or 'none'}",
        ]
    return lines
