"""Commands that write a release as files for others: the tree of a processing node, and the ETL's bundle.

What they need is imported when they are called.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eucaim_pipelines.cli.progress import bytes_bar
from eucaim_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from eucaim_pipelines.release.manifest import Manifest
    from eucaim_pipelines.release.store import ObjectStore

Dataset = Annotated[str, typer.Argument(help="The dataset's name.")]
Tier = Annotated[int, typer.Option(min=1, max=3, help="The release of which tier.")]


def materialise(
    dataset: Dataset,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="New, empty, or an earlier tree of the dataset.")
    ],
    tier: Tier = 3,
    patients: Annotated[
        Path | None, typer.Option(help="File with one pseudonym per line: only these patients.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Hard links to the release instead of copies; same disk only.")
    ] = False,
) -> None:
    """Lay a release out as a read-only tree of verified files; call again to resume, check or update it."""
    from eucaim_pipelines.release import materialise as laying
    from eucaim_pipelines.release import tree

    store, manifest = _release(dataset, tier)
    chosen = None if patients is None else _pseudonyms(patients, tree.people(store, manifest))
    plan = tree.plan(store, manifest, chosen, link)
    with bytes_bar(plan.size) as tell:
        done = laying.materialise(store, plan, folder, link, tell)
    release = f"{dataset}, tier {tier}, {manifest.version}"
    if not done.changed:
        typer.echo(f"{release}: the tree is there already; {done.files} files were read again and are right.")
        return
    verb = {"copy": "copied", "clone": "cloned", "link": "linked"}[done.way]
    typer.echo(
        f"{release}: {done.files} files, {done.bytes:,} bytes, all verified; {done.fetched} {verb} "
        f"({done.fetched_bytes:,} bytes), {done.files - done.fetched} were there"
    )


def etl_bundle(
    dataset: Dataset,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files.")],
    tier: Tier = 3,
) -> None:
    """Write a release's tables as EUCAIM's ETL bundle: CSV files, manifest and report."""
    from eucaim_pipelines.contracts.tables import load_tables
    from eucaim_pipelines.release import etl_bundle as bundles
    from eucaim_pipelines.settings import load_contract_settings

    store, manifest = _release(dataset, tier)
    bundle = bundles.read(store, manifest, load_tables(load_contract_settings().data_contracts))
    written = bundles.write(bundle, folder)
    typer.echo(f"{dataset}, tier {tier}, {manifest.version}: {len(written)} files; {written[-1]} is complete")


def _release(dataset: str, tier: int) -> "tuple[ObjectStore, Manifest]":
    """The newest release of a tier; only the setting `release` is needed."""
    from eucaim_pipelines.release import manifest as manifests
    from eucaim_pipelines.resources.stores import open_store
    from eucaim_pipelines.settings import load_release_settings

    if not re.fullmatch(r"[A-Za-z0-9_-]{1,150}", dataset):
        raise SettingsError("A dataset's name has letters, digits, '_' and '-' only, at most 150.")
    place = load_release_settings()
    store = open_store(place.release, place.s3_endpoint, place.s3_region)
    manifest = manifests.current(store, dataset, tier)
    if manifest is None:
        raise SettingsError(
            f"'{dataset}' has no release at tier {tier}; 'eucaim status' shows what there is."
        )
    return store, manifest


def _pseudonyms(file: Path, known: set[str]) -> set[str]:
    """The patients that a file names; lines are told by number, never by what they hold."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{file} cannot be read as text. Write one pseudonym per line, UTF-8.") from None
    named = {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}
    strange = [number for number, who in named.items() if who not in known]
    if strange:
        shown = ", ".join(map(str, strange[:10])) + (", …" if len(strange) > 10 else "")
        raise SettingsError(
            f"{file}: {len(strange)} line(s) name no patient of this release (line {shown}). "
            "Write pseudonyms as its patient table has them."
        )
    if not named:
        raise SettingsError(f"{file} names nobody. Write one pseudonym per line.")
    return set(named.values())
