"""What `eucaim verify` prints: each release of a dataset, what is wrong with it, its statement and its trace.

How it is checked is said in `release.verification`, `release.statements` and `release.trace`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from eucaim_pipelines.cli.progress import bytes_bar
from eucaim_pipelines.cli.statement import store_and_keys
from eucaim_pipelines.deidentification.keys.signing import ANOTHER_KEY, public_key
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release import statements, trace
from eucaim_pipelines.release.audit_check import check
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.release.verification import Fault, Reading, Version, versions
from eucaim_pipelines.settings import load_settings

if TYPE_CHECKING:
    from eucaim_pipelines.resources.records import Audit


@dataclass
class _Told:
    """What came out of the releases that were looked at."""

    releases: int = 0
    unstated: int = 0
    untraced: int = 0
    faults: set[Fault] = field(default_factory=set)


def verify(dataset: str, tier: int | None, newest: bool, public_keys: Sequence[str]) -> None:
    """Check the releases of a dataset, and say what does not hold.

    Raises
    ------
    DataError
        Something is not as it was published; each thing was named before.
    SettingsError
        There is no release, or a key is none.
    """
    store, trusted = store_and_keys(public_keys)
    logged = {} if public_keys else _logged(dataset)
    told = _Told()
    with bytes_bar(None) as tell:
        reading = Reading(store, tell)
        for number in [tier] if tier else manifests.TIERS:
            found, faults = versions(store, dataset, number, logged.get(number))
            _tell(faults, told)
            for version in found[:1] if newest else found:
                _one(reading, number, version, trusted, told)
                if not public_keys and version.published and version.version not in logged.get(number, {}):
                    typer.echo("  audit log: no line says that this was published here")
    if not public_keys and (told.releases or told.faults):
        wrong = len(told.faults)
        _audit().append(
            "verified",
            dataset,
            releases=told.releases,
            wrong=wrong,
            unstated=told.unstated,
            untraced=told.untraced,
        )
    if not told.releases and not told.faults:
        raise SettingsError(f"'{dataset}' has no release" + (f" at tier {tier}." if tier else "."))
    if told.faults:
        things = "One thing is" if len(told.faults) == 1 else f"{len(told.faults)} things are"
        raise DataError(f"{things} not as it was published. Put back your copy, or find out who wrote there.")
    for count, what in ((told.unstated, "statements"), (told.untraced, "traces")):
        if count:
            raise DataError(f"The signed {what} of {count} releases do not hold.")


def _one(reading: Reading, tier: int, version: Version, trusted: Sequence[str], told: _Told) -> None:
    name = f"tier {tier}, {_shown(version.version)}"
    if not version.published:
        typer.echo(f"{name}: never published; an interrupted run left it")
        return
    told.releases += 1
    manifest = version.manifest
    if manifest is None:
        typer.echo(f"{name}: without its manifest nothing of it can be checked")
        _tell([version.fault] if version.fault else [], told)
        return
    checked, wrong = reading.check(manifest)
    age = "" if version.newest else ", earlier"
    typer.echo(f"{name}{age}: {checked} things checked, {len(wrong)} wrong")
    _tell(wrong, told)
    store = reading.store
    told.unstated += not _statement(store, manifest, trusted)
    told.untraced += not _trace(store, manifest, trusted)


def _tell(faults: Iterable[Fault], told: _Told) -> None:
    """What tiers and versions share is one thing, and told once."""
    for fault in faults:
        if fault not in told.faults:
            typer.echo(f"  {fault.what}: {_shown(fault.key)}")
            told.faults.add(fault)


def _shown(name: str) -> str:
    """A name on one line: whoever may write into a store may name a folder as they like."""
    return name if name.isprintable() else ascii(name)


def _statement(store: ObjectStore, manifest: Manifest, trusted: Sequence[str]) -> bool:
    problems = _least(statements.problems(store, manifest, key) for key in trusted)
    searched = "every object was searched or made from searched ones, no identity was found"
    typer.echo(f"  statement: {'; '.join(problems) or f'signed; {searched}'}")
    return not problems


def _trace(store: ObjectStore, manifest: Manifest, trusted: Sequence[str]) -> bool:
    problems = _least(trace.problems(store, manifest, key) for key in trusted)
    wrong = f"{'; '.join(problems)}: {trace.key(manifest)}"
    typer.echo(f"  trace: {wrong if problems else 'signed; it holds'}")
    return not problems


def _least(by_key: Iterable[list[str]]) -> list[str]:
    """What is wrong under the key that did sign; under any of them, where none did."""
    return min(by_key, key=lambda problems: (bool(problems), problems == [ANOTHER_KEY]))


def _audit() -> "Audit":
    from eucaim_pipelines.resources.records import Audit  # with Dagster, which who only reads does not need

    return Audit.of(load_settings())


def _logged(dataset: str) -> dict[int, dict[str, set[str]]]:
    """SHA-256s of the manifests that this site's audit log says were published, by tier and version.

    Lines after the first that does not hold are not believed; `eucaim audit verify` names it.
    """
    audit = _audit()
    checked = check(Path(audit.folder), public_key(audit.site_key()))
    if checked.fault is not None:
        typer.echo(f"The audit log does not hold from here on: {checked.fault}.")
    found: dict[int, dict[str, set[str]]] = {}
    for line in checked.lines:
        if line.event == "release_published" and line.dataset == dataset:
            tier = found.setdefault(int(line.told["tier"] or 0), {})
            tier.setdefault(str(line.told["version"]), set()).add(str(line.told["manifest"]))
    return found
