"""What `eucaim verdict` prints: the tier that a dataset reaches, and what the next one lacks.

Verdicts are computed in a run (`quality.verdict`); nothing is judged here.
"""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eucaim_pipelines.assets import staged
from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.quality.verdict import RequirementOutcome, Verdict, tier_reached
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.report.priorities import counted
from eucaim_pipelines.settings import load_settings


def verdict(dataset: str, tier: int | None, as_json: bool) -> None:
    """Print the verdict of the newest run: of one tier, or of the first that is not reached.

    Raises
    ------
    SettingsError
        The dataset, or this tier of it, was never judged.
    """
    site = Site(load_settings())
    verdicts = verdicts_of(site, site.known(dataset))
    asked = [each for each in verdicts if tier in (None, each.tier)]
    if not asked:
        raise SettingsError(
            f"{f'Tier {tier}' if tier else 'No tier'} of '{dataset}' has been judged yet. "
            f"Run it: eucaim run {dataset}{f' --tier {tier}' if tier else ''}"
        )
    if as_json:
        print(json.dumps([each.to_dict() for each in asked], indent=1, sort_keys=True))  # noqa: T201
        return
    aimed, reached = site.contracts.source(dataset).tier, tier_reached(verdicts)
    console = Console()
    console.print(f"{dataset}: {reached_line(reached, aimed)}", highlight=False)
    if tier is None:
        asked = [each for each in asked if not each.reached][:1]
    for each in asked:
        _print(console, each)
    for path in [site.restricted.shelf(dataset).path(f"tier_{v.tier}/report.html") for v in verdicts][-1:]:
        console.print(f"report  {path}", highlight=False, soft_wrap=True)


def verdicts_of(site: Site, dataset: str) -> list[Verdict]:
    """The verdicts of the newest run, by tier."""
    shelf = site.releasable.shelf(dataset)
    return [found for tier in TIERS if (found := staged.read_verdict(tier, shelf)) is not None]


def reached_line(reached: int, aimed: int) -> str:
    """The tier reached and the one aimed at, in a sentence."""
    if reached >= aimed:
        return f"Tier {reached} is reached, the tier it aims at."
    return f"{f'Tier {reached}' if reached else 'No tier'} is reached; it aims at Tier {aimed}."


def _print(console: Console, verdict: Verdict) -> None:
    state = "is reached" if verdict.reached else "is not reached"
    met = len(verdict.requirements) - len(verdict.unmet)
    console.print(
        f"{verdict.name} {state}: {met} of {len(verdict.requirements)} requirements are met. {verdict.gives}",
        highlight=False,
    )
    if not verdict.lower_reached:
        console.print("The tier below must be reached first.")
    if verdict.unmet:
        console.print(_table(verdict.unmet))
    for each in verdict.requirements:
        for change in each.changes:
            console.print(f"Changed by the holder: {change}", highlight=False, markup=False)


def _table(unmet: Sequence[RequirementOutcome]) -> Table:
    table = Table(show_lines=True)
    for name in ("not met", "short", "how to close it"):
        table.add_column(name, overflow="fold")
    for each in unmet:
        table.add_row(escape(each.text), escape(_short(each)), escape(each.remedy))
    return table


def _short(outcome: RequirementOutcome) -> str:
    """How many are concerned, then the checks or the properties at fault."""
    short = outcome.short
    counts = {"patient": short.patients, "study": short.studies, "row": short.rows}
    told = [counted(str(number), word) for word, number in counts.items() if number]
    return "\n".join([*([", ".join(told)] if told else []), *short.fields])
