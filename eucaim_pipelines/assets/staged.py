"""Reading what is staged for a release: its content, its facts, its findings.

Glue between the releasable zone and the packages that know what it means; no asset is defined here.
The report is put together in `reported`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from eucaim_pipelines.assets.state import software
from eucaim_pipelines.catalogue import facts as catalogue_facts
from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.quality import findings as found
from eucaim_pipelines.quality.crossed import CrossedCounts
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import threshold_changes
from eucaim_pipelines.quality.verdict import Verdict, judged
from eucaim_pipelines.release import statements
from eucaim_pipelines.release.manifest import Item
from eucaim_pipelines.release.parquet import decode
from eucaim_pipelines.release.publication import Content, object_lists
from eucaim_pipelines.report import charts, vocabulary
from eucaim_pipelines.report.content import Sizes
from eucaim_pipelines.report.summary import Unmapped
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf

FILES = "files"
UNMAPPED = "unmapped_fields.json"
RECORD, REPORT = "record", "report.html"
"""The folder of the record's files, and the report's file."""
RECORD_PROBLEMS = "record_problems.json"
YEARS = "acquisition_years.json"
_INVENTORY = "deidentified/instances.parquet"
_LISTS: dict[tuple[str, str], Sequence[tuple[Item, bytes]]] = {}
"""The lists of one inventory, by dataset and SHA-256 of it: steps of every tier ask for them, and for
a million objects they take seconds."""


def content(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> Content:
    """What the tier's release will hold."""
    names = contracts.tiers().tables(tier)
    inventory = shelf.read_bytes(_INVENTORY)
    tables = {name: shelf.read_bytes(f"cdm/{name}.parquet") for name in names}
    return Content(
        dataset_id=dataset,
        tier=tier,
        newest_export=newest_export(shelf),
        software=software(),
        instances=decode(inventory),
        object_items=_lists(dataset, inventory),
        tables=tables,
        rows={name: pq.read_metadata(BytesIO(data)).num_rows for name, data in tables.items()},
        rules=evidence(shelf)["rules"]
        | {"findings": _digest(dataset, tier, shelf, contracts), "drawing": charts.engine()},
        files=shelf.read_files(f"tier_{tier}/{FILES}"),
        lineage=shelf.read_bytes("deidentified/lineage.parquet"),
    )


def lists(dataset: str, shelf: Shelf) -> Sequence[tuple[Item, bytes]]:
    """The lists of images, with their items, of the staged inventory."""
    return _lists(dataset, shelf.read_bytes(_INVENTORY))


def _lists(dataset: str, inventory: bytes) -> Sequence[tuple[Item, bytes]]:
    known = (dataset, hashlib.sha256(inventory).hexdigest())
    found = _LISTS.get(known)
    if found is None:
        found = object_lists(dataset, decode(inventory))
        _LISTS.clear()
        _LISTS[known] = found
    return found


def _digest(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> str:
    """Digest of what record and report say beside the tables: they are part of the version too.

    The verdict is not: it follows from the content, the rules, and the release that the version follows.
    """
    digest = hashlib.sha256()
    told = ("dispositions.parquet", "actions.parquet", "evidence.json", "statement.json", UNMAPPED, YEARS)
    for name in told:
        digest.update(hashlib.sha256(shelf.read_bytes(f"deidentified/{name}")).digest())
    digest.update(repr(findings(dataset, tier, shelf, contracts)).encode())
    return digest.hexdigest()


def documents(tier: int, shelf: Shelf) -> dict[str, bytes]:
    """Record and report of the tier; the statement and the columns without codes, those of every tier."""
    own = shelf.read_files(f"tier_{tier}/{RECORD}") | {REPORT: shelf.read_bytes(f"tier_{tier}/{REPORT}")}
    columns = [Unmapped(**each) for each in unmapped(shelf)]
    return own | {
        statements.NAME: shelf.read_bytes("deidentified/statement.json"),
        vocabulary.NAME: vocabulary.released(columns, sizes(shelf).patients),
    }


def everything(content: Content, documents: Mapping[str, bytes]) -> str:
    """Digest of every byte that a release would put but the images: what the sweep has searched."""
    digest = hashlib.sha256(content.version.encode())
    for name, data in sorted(documents.items()):
        digest.update(name.encode() + hashlib.sha256(data).digest())
    return digest.hexdigest()


def state(shelf: Shelf) -> str:
    """The state of the dataset on which the staged objects were made."""
    return json.dumps(json.loads(shelf.read_bytes("deidentified/state.json")), sort_keys=True)


def unsearched(shelf: Shelf) -> int:
    """Objects that were neither searched for identities nor made from searched ones, and identities found."""
    told = json.loads(shelf.read_bytes("deidentified/searched.json"))
    return int(told["objects"] - told["checked"] - told["converted"] + told["residuals"])


def evidence(shelf: Shelf) -> dict[str, dict[str, str]]:
    """Counts that crossed, and the digests of the rules."""
    value: dict[str, dict[str, str]] = json.loads(shelf.read_bytes("deidentified/evidence.json"))
    return value


def unmapped(shelf: Shelf) -> list[dict[str, Any]]:
    """What crossed of local values without a code: counts by column, and concepts that come near."""
    found: list[dict[str, Any]] = json.loads(shelf.read_bytes(f"deidentified/{UNMAPPED}"))
    return found


def crossed_counts(shelf: Shelf) -> CrossedCounts:
    """What was counted where the identities still were."""
    return CrossedCounts(**{name: int(count) for name, count in evidence(shelf)["counts"].items()})


def findings(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> list[Finding]:
    """Findings of the tier and those below it, judged by the thresholds and waivers that hold now."""
    changes = threshold_changes(contracts.source(dataset), known_checks(contracts.tables()))
    stored = found.from_table(shelf.read(f"tier_{tier}/findings"))
    return judged(stored, contracts.tiers().thresholds(), changes, newest_export(shelf).date())


def newest_export(shelf: Shelf) -> datetime:
    """When the newest export was complete; releases and waivers are dated by it, never by the clock."""
    return datetime.fromisoformat(
        json.loads(shelf.read_bytes("deidentified/newest_export.json"))["completed"]
    )


def read_verdict(tier: int, shelf: Shelf) -> Verdict | None:
    """The verdict on a tier; None for tier 0 and where it was not computed."""
    try:
        return Verdict.from_dict(json.loads(shelf.read_bytes(f"tier_{tier}/verdict.json")))
    except DataError:
        return None


def facts(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> CatalogueFacts:
    """What the data tell the catalogue."""
    names = contracts.tiers().tables(tier)
    return catalogue_facts.collect(
        {name: shelf.read(f"cdm/{name}") for name in catalogue_facts.TABLES if name in names},
        years=_years(shelf),
        pool_small=contracts.source(dataset).catalogue.pool_small_values,
        contracts_folder=contracts.folder,
    )


def _years(shelf: Shelf) -> tuple[int, int] | None:
    """First and last true calendar year of acquisition with at least 10 patients, as they crossed."""
    crossed = json.loads(shelf.read_bytes(f"deidentified/{YEARS}"))
    return None if crossed is None else (crossed["first"], crossed["last"])


def sizes(shelf: Shelf) -> Sizes:
    """Patients of the patient table; studies, series and instances of the images and what annotates them."""
    instances = shelf.read("deidentified/instances")
    series = shelf.read("cdm/image_series").num_rows
    return Sizes(
        patients=shelf.read("cdm/patient").num_rows,
        studies=pc.count_distinct(instances["StudyInstanceUID"]).as_py(),
        series=series,
        instances=instances.num_rows,
        annotations=pc.count_distinct(instances["SeriesInstanceUID"]).as_py() - series,
    )
