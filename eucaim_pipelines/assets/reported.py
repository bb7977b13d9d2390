"""The report of a tier, put together from what is staged; and what only its local edition shows.

Glue between the zones and the package `report`; no asset is defined here.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from eucaim_pipelines.assets import risk as risks
from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.state import software
from eucaim_pipelines.cdm import coding
from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts.sources import Deidentification, SourceContract
from eucaim_pipelines.deidentification.images import EXPLAINED
from eucaim_pipelines.deidentification.keys.lethe import WARNING
from eucaim_pipelines.deidentification.rules import profile_summary
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.ingest.row_book import RowCounts
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release import statements
from eucaim_pipelines.release.changes import compare
from eucaim_pipelines.release.publication import Content, json_bytes
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.report.content import (
    EFFECTS,
    ActionCount,
    DispositionCount,
    HeldFile,
    LessExact,
    LocalDetail,
    Removal,
    Report,
    RowChanges,
    RowPointer,
    UnknownTerm,
    UnmappedValue,
    effect,
)
from eucaim_pipelines.report.pointers import INSTANCES, RECORDS, Origins, resolve
from eucaim_pipelines.report.summaries import summarise
from eucaim_pipelines.report.summary import Changes, Difference, Unmapped
from eucaim_pipelines.report.vocabulary import suggestions
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf

CHANGES = "changes"
"""Folder of the staged comparisons with earlier releases: exact numbers, never part of a release."""
_CHANGED = {
    "patient": "Patients",
    "image_study": "Imaging studies",
    "image_series": "Image series",
    "images": "DICOM objects",
}
_FINE_ROWS = ("ROW_CURRENT", "ROW_REPLACED")


def report(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> Report:
    """The tier's report, the same for both editions."""
    content = staged.content(dataset, tier, shelf, contracts)
    verdicts = [v for n in range(1, tier + 1) if (v := staged.read_verdict(n, shelf)) is not None]
    dispositions = shelf.read("deidentified/dispositions").to_pylist()
    return Report(
        source=contracts.source(dataset),
        version=content.version,
        issued=content.issued,
        verdicts=verdicts,
        findings=staged.findings(dataset, tier, shelf, contracts),
        dispositions=_as_they_stand(dispositions, any(each.reached for each in verdicts)),
        sizes=staged.sizes(shelf),
        actions=[ActionCount(*each) for each in effects(shelf.read("deidentified/actions")).items()],
        removal=_removal(shelf),
        methods=_methods(content.rules, contracts, tier, contracts.source(dataset).deidentification),
        reasons=load_reasons(contracts.folder / "reasons.csv"),
        summaries=replace(
            summarise(
                {name: shelf.read(f"cdm/{name}") for name in contracts.tiers().tables(tier)},
                contracts.tables(),
                contracts.vocabularies(),
            ),
            changes=differences(tier, shelf),
            unmapped=[Unmapped(**each) for each in staged.unmapped(shelf)],
        ),
        risk=risks.read_risk(tier, shelf),
        least_alike=risks.least_alike(tier, dataset, contracts),
    )


def compared(tier: int, shelf: Shelf, content: Content, store: ObjectStore, contracts: Contracts) -> None:
    """Compare what is staged with the release before it, and keep the outcome for record and report.

    The same content against the same release is not compared twice, so that doing a run again says the same
    whatever became of the earlier release.
    """
    previous = manifests.previous_version(store, content.dataset_id, tier, content.version)
    name = f"{CHANGES}/tier_{tier}.json"
    if shelf.path(name).is_file():
        kept = json.loads(shelf.read_bytes(name))
        if (kept["version"], kept["previous"]) == (content.version, previous):
            return
    keys = {table: contract.primary_key for table, contract in contracts.tables().items()}
    shelf.write_bytes(name, json_bytes(compare(store, content, previous, keys).to_dict()))


def compared_with(tier: int, shelf: Shelf) -> str | None:
    """Version of the release that the staged report compares with."""
    previous: str | None = json.loads(shelf.read_bytes(f"{CHANGES}/tier_{tier}.json"))["previous"]
    return previous


def differences(tier: int, shelf: Shelf) -> Changes:
    """What `compared` found, in the words of the report: people, studies and images first."""
    kept = json.loads(shelf.read_bytes(f"{CHANGES}/tier_{tier}.json"))
    found = {each["name"]: each for each in kept["changes"]}
    order = [*(name for name in _CHANGED if name in found), *sorted(found.keys() - _CHANGED.keys())]
    differences = [
        Difference(
            _CHANGED.get(name, f"Rows of {name}"),
            **{part: found[name][part] for part in ("total", "added", "changed", "removed", "people")},
        )
        for name in order
    ]
    return Changes(kept["previous"], differences, kept["columns"], kept["lost"])


def local_detail(
    dataset: str,
    tier: int,
    received: tuple[Sequence[Reception], Mapping[str, str]],
    news: Mapping[str, RowCounts],
    shelves: tuple[Shelf, Shelf],
    contracts: Contracts,
) -> LocalDetail:
    """What only the local edition of a report shows.

    Parameters
    ----------
    received
        What is held back, and the source of each object (`Ledger.quarantined`, `Ledger.sources`).
    news
        Rows of the clinical files against the last release (`RowBook.news`).
    shelves
        The restricted one, and the releasable one.
    """
    shelf, (held, sources) = shelves[0], received
    rows = shelf.read("clinical_dispositions").to_pylist()
    return LocalDetail(
        files=[HeldFile(r.sha256 or "", r.reason or "", f"{r.export}/{r.path}") for r in held],
        rows=[
            RowPointer(f"{r['export']}: {r['file']}", r["line"], r["reason"])
            for r in rows
            if r["reason"] not in _FINE_ROWS
        ],
        unmapped=_unmapped(shelf.read("unmapped_values"), contracts.matcher()),
        unknown_terms=[UnknownTerm(**row) for row in shelf.read("unknown_terms").to_pylist()],
        less_exact=[LessExact(**row) for row in shelf.read("less_exact_values").to_pylist()],
        row_changes=[RowChanges(file, n.new, n.changed, n.removed) for file, n in news.items()],
        pointers=resolve(_results(tier, shelf), origins(contracts.source(dataset), sources, shelves)),
        rare=risks.rare(tier, dataset, shelves[1], contracts),
    )


def origins(source: SourceContract, sources: Mapping[str, str], shelves: tuple[Shelf, Shelf]) -> Origins:
    """What rows of a release were made from: `sources` of `Ledger.sources`, `shelves` of `local_detail`."""
    instances = shelves[1].scan("deidentified/instances").to_table(columns=INSTANCES)
    return Origins(_records(source, *shelves), instances, sources)


def _results(tier: int, shelf: Shelf) -> pa.Table:
    """Entries that the checks of this tier and those below it found at fault."""
    return pa.concat_tables(shelf.read(f"tier_{number}/check_results") for number in range(1, tier + 1))


def _records(source: SourceContract, shelf: Shelf, releasable: Shelf) -> pa.Table:
    """Every record under its pseudonym with the line that it was read from."""
    crossed, rows = releasable.read_all("deidentified/clinical_records"), shelf.read_all("clinical_records")
    parts = [RECORDS.empty_table()]
    for spec in source.clinical:
        ids, lines = crossed[spec.name], coding.pointers(rows[spec.name], spec)
        columns = [ids["patient_id"], ids["record_id"], pa.repeat(spec.name, len(ids))]
        parts.append(pa.table([*columns, lines["export"], lines["line"]], schema=RECORDS))
    return pa.concat_tables(parts)


def _unmapped(table: pa.Table, matcher: Matcher) -> list[UnmappedValue]:
    """Values with the concepts near them, those that most rows hold first."""
    rows = sorted(table.to_pylist(), key=lambda row: (-row["rows"], row["file"], row["field"], row["value"]))
    near = {
        name: suggestions([r["value"] for r in rows if r["vocabulary"] == name], name, matcher.nearest_of_all)
        for name in sorted({row["vocabulary"] for row in rows})
    }
    return [UnmappedValue(**row, nearest=near[row["vocabulary"]][row["value"]]) for row in rows]


def _as_they_stand(rows: Sequence[Mapping[str, Any]], released: bool) -> list[DispositionCount]:
    """The counts hold once a release is out; where no tier is reached, images still wait for one."""
    counts = [DispositionCount(**row) for row in rows]
    if released:
        return counts
    return [
        replace(each, disposition="pending", reason="AWAITS_RELEASE") if each.reason == "RELEASED" else each
        for each in counts
    ]


def effects(actions: pa.Table) -> Counter[str]:
    """Elements by what became of them (`report.content.effect`), the most frequent first."""
    totals: Counter[str] = Counter()
    for row in actions.to_pylist():
        totals[effect(row["action"], row["reason"])] += row["elements"]
    return Counter(dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0]))))


def _removal(shelf: Shelf) -> Removal:
    """What was done by kind of attribute, and what the search for identities came to."""
    done: Counter[tuple[str, str]] = Counter()
    explained: Counter[str] = Counter()
    for row in shelf.read("deidentified/actions").to_pylist():
        if row["action"] == EXPLAINED:
            explained[row["reason"]] += row["elements"]
        else:
            what = profile_summary.words(row["reason"])
            done[what, effect(row["action"], row["reason"])] += row["elements"]
    kinds = sorted({what for what, _ in done})
    return Removal(
        **json.loads(shelf.read_bytes("deidentified/searched.json")),
        effects={what: {name: done[what, name] for name in EFFECTS} for what in kinds},
        explained=dict(sorted(explained.items())),
    )


def _methods(
    rules: Mapping[str, str], contracts: Contracts, tier: int, chosen: Deidentification
) -> dict[str, str]:
    tables = contracts.tables()
    held = ", ".join(f"{name} {tables[name].version}" for name in contracts.tiers().tables(tier))
    return {
        "Software": software(),
        "Tables and contract versions": held,
        "Source contract (SHA-256)": rules["source_contract"],
        "De-identification rules (SHA-256)": rules["deidentification"],
        "Options of de-identification": ", ".join(
            f"{name} {str(value).lower()}" for name, value in chosen.model_dump().items()
        ),
        **({"Pseudonyms and UIDs": WARNING} if chosen.pseudonyms == "lethe" else {}),
        "Identifier of the site's key": rules["key_id"],
        "Signed statement": f"{statements.NAME}, checked by eucaim verify",
        "Charts": rules["drawing"],
        "Standards": "DICOM PS3.15 Table E.1-1; EUCAIM hyper-ontology v2.0; EUCAIM DCAT-AP v2.0",
    }
