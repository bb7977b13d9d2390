"""What `eucaim explain` prints: from a source file to what became of it, from a released thing to its source,
and from a figure of the catalogue record to the rows and lines behind it.

Plain hashes of source files and tokens are joined here, on this machine, by the ledger and the holder's key.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from eucaim_pipelines.assets import reported
from eucaim_pipelines.catalogue import figures
from eucaim_pipelines.catalogue.figures import Figure
from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.cli.looking import allowed, print_json, reasons
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.release import lineage
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS, Manifest
from eucaim_pipelines.release.parquet import decode
from eucaim_pipelines.report.pointers import resolve
from eucaim_pipelines.settings import load_settings

_HEX = re.compile(r"[0-9a-f]{8,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]+/imaging_data/[^/]+/[^/]+/[^/]+/[0-9a-f]{32}\.dcm")
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,64}")
_FILE = re.compile(r"(?:.*/)?([0-9a-f]{32})\.dcm")
"""An object by its file, in a release, a materialised tree or alone: its first 32 digits name it."""
_NAMES = ("sop_instance_uid", "series_uid", "study_uid", "patient_id")
_FEW = 20


def explain(asked: str, paths: bool) -> None:
    """Print what is known of a SHA-256, token, object, UID or pseudonym, on either side of the crossing."""
    show_paths = allowed(paths)
    site = Site(load_settings())
    if asked in site.datasets():
        raise SettingsError(
            f"'{asked}' is a dataset: name a figure of its record too, such as numberOfRecords."
        )
    pseudonyms = Pseudonyms(site.pseudonymisation.site_key())
    found = 0
    for dataset in site.datasets():
        for line in _Explained(site, dataset, pseudonyms, show_paths).lines(asked):
            Console().print(line, soft_wrap=True, highlight=False, markup=False)
            found += not line.startswith(" ")
    site.audit.append("explained", paths_shown=show_paths, found=found)
    if not found:
        raise SettingsError(
            "No ledger and no release of this machine knows that. Give the first 8 digits or more of a "
            "SHA-256 or token, an object's key or name, or a new UID or pseudonym."
        )


class _Explained:
    """What one dataset knows of something."""

    def __init__(self, site: Site, dataset: str, pseudonyms: Pseudonyms, show_paths: bool) -> None:
        self._site, self._dataset = site, dataset
        self._pseudonyms, self._show_paths = pseudonyms, show_paths

    def lines(self, asked: str) -> Iterator[str]:
        """Lines to print; those of a thing that was found begin without a space."""
        given = asked.strip()
        file = _FILE.fullmatch(given)
        if file is not None and not _KEY.fullmatch(given):
            given = file[1]
        low = given.lower()
        with self._site.restricted.ledger(self._dataset) as ledger:
            received = ledger.received_as(low) if _HEX.fullmatch(low) else []
        for reception in received:
            yield from self._life(reception)
        if _KEY.fullmatch(given) and given.startswith(f"{self._dataset}/"):
            yield from self._object(given)
            return
        rows = self._released(given, low)
        for row in rows[:_FEW]:
            if row["step"] == lineage.OBJECT:
                yield from self._object(row["object_key"])
            elif not received:
                yield from self._table_file(row["source_token"])
        if len(rows) > _FEW:
            yield f"  and {len(rows) - _FEW} more of {self._dataset}: give the name of a smaller thing"

    def _released(self, given: str, low: str) -> list[dict[str, str]]:
        """Rows of the lineage that the name or digits stand for; of a clinical file one row."""
        table = self._lineage
        masks = [pc.equal(table[name], given) for name in _NAMES] if _NAME.fullmatch(given) else []
        if _HEX.fullmatch(low):
            masks += [pc.starts_with(table[name], low) for name in ("source_token", "object_sha256")]
        wanted = pa.array([False] * table.num_rows, pa.bool_())
        for mask in masks:
            wanted = pc.or_(wanted, pc.fill_null(mask, False))
        rows: list[dict[str, str]] = table.filter(wanted).to_pylist()
        return list({row["object_key"] or row["source_token"]: row for row in rows}.values())

    def _object(self, key: str) -> Iterator[str]:
        """A released object, and the file that it was made from: of several with its content, the token's.

        A segmentation that was made from a structure set has the file of that, one from a label map both of
        its files.
        """
        table = self._lineage
        rows = table.filter(pc.equal(table["object_key"], key)).to_pylist()
        tokens = pa.array([r["source_token"] for r in rows], pa.string())
        same = table.filter(pc.is_in(table["source_token"], tokens))
        with self._site.restricted.ledger(self._dataset) as ledger:
            sources = ledger.became(key) or [
                r for other in same["object_key"].to_pylist() for r in ledger.became(other)
            ]
        tokens_of = {row["source_token"] for row in rows}
        sources = [r for r in sources if not rows or self._token(r) in tokens_of]
        if not sources:
            return
        yield f"{self._dataset}, object {key}"
        for row in rows:
            yield f"  sha256 {row['object_sha256']}, source token {row['source_token']}"
            yield f"  patient {row['patient_id']}, study {row['study_uid']}, series {row['series_uid']}"
            yield f"  rules {row['rules_digest']}, profile {row['profile_digest']}, key {row['key_id']}"
        for reception in sources:
            yield from (f"  {line}" for line in self._life(reception))

    def _table_file(self, token: str) -> Iterator[str]:
        with self._site.restricted.ledger(self._dataset) as ledger:
            hashes = {sha256 for _, _, sha256 in ledger.table_files()}
            found = sorted(h for h in hashes if self._pseudonyms.digest("source", h) == token)
            receptions = [each for sha256 in found for each in ledger.received_as(sha256)]
        for reception in receptions:
            yield from self._life(reception)

    def _life(self, reception: Reception) -> Iterator[str]:
        """The life of one input file: where it was received, what became of it, which releases name it."""
        r = reception
        yield f"{self._dataset}, export {r.export}, {r.bytes} bytes, sha256 {r.sha256}"
        meaning = reasons(self._site)[r.reason or ""].meaning
        yield f"  {r.disposition}: {r.reason}. {meaning}."
        if self._show_paths:
            yield f"  path {r.path}"
        if r.clinical_file:
            yield f"  read as clinical file '{r.clinical_file}', source token {self._token(r)}"
            yield from self._fed(self._token(r))
        if r.object_key and r.disposition == "published":
            yield f"  object {r.object_key}"
            yield f"  source token {self._token(r)}"
            yield from (
                f"  named by tier {manifest.tier}, {manifest.version}"
                for manifest, keys in self._releases
                if pc.any(pc.equal(keys, r.object_key)).as_py()
            )

    def _fed(self, token: str | None) -> Iterator[str]:
        """Tables that rows of a clinical file are in now, and the figures of the record made from them."""
        table = self._lineage
        rows = table.filter(pc.not_equal(table["step"], lineage.OBJECT)).to_pylist()
        fed = {row["table"] for row in rows if token is not None and row["source_token"] == token}
        made = {row["figure"] for row in rows if row["figure"] and row["table"] in fed}
        if fed:
            yield f"  rows of it are in {', '.join(sorted(fed))}"
        if made:
            yield f"  of which the catalogue record says {', '.join(sorted(made))}"

    @cached_property
    def _lineage(self) -> pa.Table:
        try:
            return self._site.releasable.shelf(self._dataset).read("deidentified/lineage")
        except DataError:
            return lineage.SCHEMA.empty_table()

    @cached_property
    def _releases(self) -> list[tuple[Manifest, pa.ChunkedArray]]:
        """The newest releases, with the keys of the objects that each names: its lineage has them all."""
        store, keys = self._site.store, dict[str, pa.ChunkedArray]()
        newest = [m for tier in TIERS if (m := manifests.current(store, self._dataset, tier)) is not None]
        for place in {item.key for m in newest for item in m.files if item.name == lineage.NAME}:
            keys[place] = decode(_read(self._site, place), ["object_key"])["object_key"]
        return [(m, keys[item.key]) for m in newest for item in m.files if item.key in keys]

    def _token(self, reception: Reception) -> str | None:
        return self._pseudonyms.digest("source", reception.sha256) if reception.sha256 else None


def explain_figure(dataset: str, asked: str, as_json: bool) -> None:
    """Print the rows behind a figure of the catalogue record, with the lines and files they come from."""
    site = Site(load_settings())
    newest = [m for t in TIERS if (m := manifests.current(site.store, site.known(dataset), t)) is not None]
    figure = _figure(asked, list(figures.load_figures(site.contracts.folder).values()))
    if not newest:
        raise SettingsError(f"'{dataset}' has no release whose record could be explained.")
    manifest, contracts = newest[-1], site.contracts.tables()
    behind = set(figures.tables_behind(figure))
    tables = {i.name: decode(_read(site, i.key)) for i in manifest.tables if i.name in behind}
    rows = figures.rows_behind(figure, tables, contracts)
    shelves = site.restricted.shelf(dataset), site.releasable.shelf(dataset)
    with site.restricted.ledger(dataset) as ledger:
        origins = reported.origins(site.contracts.source(dataset), ledger.sources(), shelves)
    found = resolve(_pointers(figure, rows), origins).get(figure.name)
    shown = list(found.shown) if found is not None else []
    site.audit.append("figure_explained", dataset, figure=figure.name, rows=rows.num_rows)
    told = {
        "dataset": dataset,
        "release": f"tier {manifest.tier}, {manifest.version}",
        "figure": figure.property,
        "tables": sorted(behind & tables.keys()),
        "rows": rows.num_rows,
        "people": pc.count_distinct(rows["patient_id"]).as_py(),
    }
    if as_json:
        print_json(told | {"behind": [{"patient_id": each.patient, "from": each.where} for each in shown]})
        return
    console = Console()
    for name, value in told.items():
        text = ", ".join(value) if isinstance(value, list) else value
        console.print(f"{name}: {text}", soft_wrap=True, highlight=False, markup=False)
    for each in shown[:_FEW]:
        console.print(f"  {each.patient}: {each.where}", soft_wrap=True, highlight=False, markup=False)
    if rows.num_rows > min(len(shown), _FEW):
        console.print(f"  and {rows.num_rows - min(len(shown), _FEW)} more; --json lists more of them")


def _read(site: Site, key: str) -> bytes:
    data = site.store.get(key)
    if data is None:
        raise DataError(f"missing: {key}. A table that the release names is gone.")
    return data


def _figure(asked: str, known: Sequence[Figure]) -> Figure:
    """A figure by its name, property or the property's last word."""
    for each in known:
        if asked in (each.name, each.property, each.property.partition(":")[2]):
            return each
    names = ", ".join(each.property.partition(":")[2] for each in known)
    raise SettingsError(f"The record has no such figure. Those that come from the data: {names}.")


def _pointers(figure: Figure, rows: pa.Table) -> pa.Table:
    """The rows as entries whose lines and files are looked up: whose they are, and their keys."""
    keys = [name for name in rows.column_names if name not in ("value", "patient_id")]
    texts = [pc.cast(rows[name], pa.string()) for name in keys] or [rows["patient_id"]]
    joined = pc.binary_join_element_wise(*texts, " ", null_handling="skip")
    columns = [pa.repeat(figure.name, rows.num_rows), rows["patient_id"], joined]
    return pa.table(columns, names=["check", "patient_id", "pointer"])
