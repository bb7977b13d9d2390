"""What the looking commands print: the ledger's balance, and what was held back.

Nothing is changed here. How the commands are called is said in `show`.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eucaim_pipelines.cli import judging
from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.ingest.row_book import RowCounts
from eucaim_pipelines.quality.reasons import Reason, load_reasons
from eucaim_pipelines.quality.verdict import tier_reached
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.report.priorities import counted
from eucaim_pipelines.settings import load_settings

_FEW = 20
"""As many files are listed one by one even where nobody asked for it."""


def status(dataset: str, as_json: bool) -> None:
    """Print the ledger's balance, the clinical rows with news, and the newest release of each tier."""
    site = Site(load_settings())
    with site.restricted.ledger(site.known(dataset)) as ledger:
        balance, exports = ledger.balance(), ledger.exports()
    rows = _row_counts(site, dataset)
    found = {tier: manifests.current(site.store, dataset, tier) for tier in TIERS}
    verdicts = judging.verdicts_of(site, dataset)
    releases = {str(tier): manifest.version for tier, manifest in found.items() if manifest is not None}
    if as_json:
        print_json(
            {
                "dataset": dataset,
                "exports": len(exports),
                "files": balance,
                "rows": {part: {name: asdict(c) for name, c in own.items()} for part, own in rows.items()},
                "releases": releases,
                "tier_reached": tier_reached(verdicts),
            }
        )
        return
    Console().print(_table(("", "files"), balance.items(), title=dataset))
    for part, own in rows.items():
        cells = [(name, *asdict(counts).values()) for name, counts in own.items()]
        since = f"rows since the last release of {part.replace('_', ' ')}"
        Console().print(_table(("", *RowCounts.__dataclass_fields__), cells, title=since))
    for tier, version in releases.items():
        Console().print(f"tier {tier}: {version}")
    if verdicts:
        aimed = site.contracts.source(dataset).tier
        reached = tier_reached(verdicts)
        Console().print(judging.reached_line(reached, aimed), highlight=False)
        if reached < max(TIERS):
            Console().print(f"What the next tier lacks: eucaim verdict {dataset}", highlight=False)


def _row_counts(site: Site, dataset: str) -> dict[str, dict[str, RowCounts]]:
    """Tier (`tier_1`), clinical file, and its rows against the last release; without any, those of tier 1."""
    with site.restricted.ledger(dataset) as ledger, site.restricted.row_book(dataset) as book:
        parts = [f"tier_{tier}" for tier in TIERS if ledger.fact(f"version_tier_{tier}")] or ["tier_1"]
        return {part: book.counts(part) for part in parts}


def quarantine_list(dataset: str, as_json: bool, paths: bool) -> None:
    """Print why files were held back and what to do; then each file, where they are few or with paths."""
    show_paths = allowed(paths)
    site = Site(load_settings())
    known = reasons(site)
    with site.restricted.ledger(site.known(dataset)) as ledger:
        held = ledger.quarantined()
    rows = [
        {
            "export": r.export,
            "sha256": r.sha256,
            "reason": r.reason,
            "remedy": known[r.reason or ""].remedy,
        }
        | ({"path": r.path} if show_paths else {})
        for r in held
    ]
    if as_json:
        print_json(rows)
        return
    counts = Counter(str(row["reason"]) for row in rows)
    if rows:
        cells = [(code, count, known[code].remedy) for code, count in counts.most_common()]
        Console().print(_table(("reason", "files", "what to do"), cells))
    if rows and (show_paths or len(rows) <= _FEW):
        names = ("export", "sha256", "reason", *(["path"] if show_paths else []))
        cut = [row | {"sha256": (row["sha256"] or "")[:16]} for row in rows]
        table = _table(names, [[row[name] for name in names] for row in cut])
        table.columns[-1].overflow = "fold"  # a path that is cut leads nowhere
        Console().print(table)
    Console().print(f"{counted(str(len(rows)), 'file')} of {dataset} held back")
    if rows and not show_paths:
        Console().print("Each file: --paths, or --json")
    held_rows = _held_rows(site, dataset)
    if held_rows:
        Console().print(f"{held_rows} rows of clinical files too: the local report points to them")


def _held_rows(site: Site, dataset: str) -> int:
    try:
        fates = site.restricted.shelf(dataset).read("clinical_dispositions")
    except DataError:
        return 0
    known = reasons(site)
    return sum(known[code].disposition == "quarantined" for code in fates.column("reason").to_pylist())


def allowed(paths: bool) -> bool:
    """Whether paths are shown: only where they were asked for, and to a terminal."""
    if paths and not sys.stdout.isatty():
        raise SettingsError("--paths prints to a terminal only: a sender's paths may hold names.")
    return paths


def _table(names: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A table of the texts as they are: `[ocr]` is no markup."""
    table = Table(*names, title=title)
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    return table


def reasons(site: Site) -> Mapping[str, Reason]:
    """Reasons of dispositions by code."""
    return load_reasons(site.contracts.folder / "reasons.csv")


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=1, sort_keys=True))  # noqa: T201
