"""Reading what is staged for a release: its content, its facts, its report.

Glue between the releasable zone and the packages that know what it means; no asset is defined here.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eucaim_pipelines.assets.state import software
from eucaim_pipelines.catalogue import facts as catalogue_facts
from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.contracts.sources import Deidentification
from eucaim_pipelines.deidentification.images import EXPLAINED
from eucaim_pipelines.deidentification.keys.lethe import WARNING
from eucaim_pipelines.deidentification.rules import profile_summary
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.quality import findings as found
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.linkage import CrossedCounts
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.quality.verdict import Verdict
from eucaim_pipelines.release import statements
from eucaim_pipelines.release.publication import Content
from eucaim_pipelines.report.content import (
    EFFECTS,
    ActionCount,
    DispositionCount,
    HeldFile,
    LocalDetail,
    Removal,
    Report,
    RowPointer,
    Sizes,
    UnknownTerm,
    UnmappedValue,
    effect,
)
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf

FILES = "files"
RECORD, REPORT = "catalogue.jsonld", "report.html"
_FINE_ROWS = ("ROW_CURRENT", "ROW_REPLACED")


def content(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> Content:
    """What the tier's release will hold."""
    names = contracts.tiers().tables(tier)
    tables = {name: shelf.read_bytes(f"cdm/{name}.parquet") for name in names}
    completed = json.loads(shelf.read_bytes("deidentified/newest_export.json"))["completed"]
    return Content(
        dataset_id=dataset,
        tier=tier,
        newest_export=datetime.fromisoformat(completed),
        software=software(),
        instances=shelf.read("deidentified/instances"),
        tables=tables,
        rows={name: pq.read_metadata(BytesIO(data)).num_rows for name, data in tables.items()},
        rules=evidence(shelf)["rules"] | {"findings": _digest(tier, shelf)},
        files=shelf.read_files(f"tier_{tier}/{FILES}"),
    )


def _digest(tier: int, shelf: Shelf) -> str:
    """Digest of what record and report say beside the tables: they are part of the version too."""
    digest = hashlib.sha256()
    for name in ("dispositions.parquet", "actions.parquet", "evidence.json", "statement.json"):
        digest.update(hashlib.sha256(shelf.read_bytes(f"deidentified/{name}")).digest())
    for number in range(1, tier + 1):
        digest.update(hashlib.sha256(shelf.read_bytes(f"tier_{number}/verdict.json")).digest())
    digest.update(shelf.read_bytes(f"tier_{tier}/findings.parquet"))
    return digest.hexdigest()


def documents(tier: int, shelf: Shelf) -> dict[str, bytes]:
    """Record and report of the tier, and the signed statement, which is that of every tier."""
    own = {name: shelf.read_bytes(f"tier_{tier}/{name}") for name in (RECORD, REPORT)}
    return own | {statements.NAME: shelf.read_bytes("deidentified/statement.json")}


def everything(content: Content, documents: Mapping[str, bytes]) -> str:
    """Digest of every byte that a release would put but the images: what the sweep has searched."""
    digest = hashlib.sha256(content.version.encode())
    for name, data in sorted(documents.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    return digest.hexdigest()


def state(shelf: Shelf) -> str:
    """The state of the dataset on which the staged objects were made."""
    return json.dumps(json.loads(shelf.read_bytes("deidentified/state.json")), sort_keys=True)


def evidence(shelf: Shelf) -> dict[str, dict[str, str]]:
    """Counts that crossed, and the digests of the rules."""
    value: dict[str, dict[str, str]] = json.loads(shelf.read_bytes("deidentified/evidence.json"))
    return value


def crossed_counts(shelf: Shelf) -> CrossedCounts:
    """What was counted where the identities still were."""
    return CrossedCounts(**{name: int(count) for name, count in evidence(shelf)["counts"].items()})


def findings(tier: int, shelf: Shelf) -> list[Finding]:
    """Findings of the tier and those below it."""
    return found.from_table(shelf.read(f"tier_{tier}/findings"))


def read_verdict(tier: int, shelf: Shelf) -> Verdict | None:
    """The verdict on a tier; None for tier 0 and where it was not computed."""
    try:
        return Verdict.from_dict(json.loads(shelf.read_bytes(f"tier_{tier}/verdict.json")))
    except DataError:
        return None


def facts(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> CatalogueFacts:
    """What the data tell the catalogue."""
    names = contracts.tiers().tables(tier)
    optional = {n: shelf.read(f"cdm/{n}") for n in ("cancer_condition", "segmentation_series") if n in names}
    return catalogue_facts.collect(
        *(shelf.read(f"cdm/{name}") for name in ("patient", "image_study", "image_series")),
        **optional,
        pool_small=contracts.source(dataset).catalogue.pool_small_values,
        contracts_folder=contracts.folder,
    )


def sizes(shelf: Shelf) -> Sizes:
    """Patients of the patient table; studies, series and instances of the images."""
    instances = shelf.read("deidentified/instances")
    return Sizes(
        patients=shelf.read("cdm/patient").num_rows,
        studies=pc.count_distinct(instances["StudyInstanceUID"]).as_py(),
        series=pc.count_distinct(instances["SeriesInstanceUID"]).as_py(),
        instances=instances.num_rows,
    )


def report(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> Report:
    """The tier's report, the same for both editions."""
    staged = content(dataset, tier, shelf, contracts)
    verdicts = [v for n in range(1, tier + 1) if (v := read_verdict(n, shelf)) is not None]
    dispositions = shelf.read("deidentified/dispositions").to_pylist()
    return Report(
        source=contracts.source(dataset),
        version=staged.version,
        issued=staged.issued,
        verdicts=verdicts,
        findings=findings(tier, shelf),
        dispositions=_as_they_stand(dispositions, any(each.reached for each in verdicts)),
        sizes=sizes(shelf),
        actions=[ActionCount(*each) for each in effects(shelf.read("deidentified/actions")).items()],
        removal=_removal(shelf),
        methods=_methods(staged.rules, contracts, tier, contracts.source(dataset).deidentification),
        reasons=load_reasons(contracts.folder / "reasons.csv"),
    )


def local_detail(ledger: Ledger, shelf: Shelf) -> LocalDetail:
    """What only the local edition of a report shows."""
    held = [r for r in ledger.receptions() if r.disposition == "quarantined"]
    rows = shelf.read("clinical_dispositions").to_pylist()
    return LocalDetail(
        files=[HeldFile(r.sha256 or "", r.reason or "", f"{r.export}/{r.path}") for r in held],
        rows=[
            RowPointer(f"{r['export']}: {r['file']}", r["line"], r["reason"])
            for r in rows
            if r["reason"] not in _FINE_ROWS
        ],
        unmapped=[UnmappedValue(**row) for row in shelf.read("unmapped_values").to_pylist()],
        unknown_terms=[UnknownTerm(**row) for row in shelf.read("unknown_terms").to_pylist()],
    )


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
        "Standards": "DICOM PS3.15 Table E.1-1; EUCAIM hyper-ontology v2.0; EUCAIM DCAT-AP v2.0",
    }
