"""Tier 2's own assets: the private index of federated search, and what it would show to the world.

Both are restricted: the index holds true years. Answering queries is no concern of an asset.
"""

import dagster as dg
import pyarrow as pa

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.common import guarded, placed, table_metadata
from eucaim_pipelines.cdm import linkage
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.resources import searchable
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone, Shelf
from eucaim_pipelines.search import index
from eucaim_pipelines.search.collections import Collection
from eucaim_pipelines.search.control import FEW, Control
from eucaim_pipelines.search.criteria import Criteria, load_criteria
from eucaim_pipelines.search.preview import preview


def index_asset(criteria: Criteria) -> dg.AssetsDefinition:
    """The index; which tables it is made from follows from the criteria."""

    @dg.asset(
        key=["restricted", "search_index"],
        deps=[
            *(["cdm", name] for name in index.tables(criteria)),
            ["restricted", "study_links"],
            ["restricted", "coded_records"],
        ],
        **placed("restricted", "tier_2", "parquet"),
    )
    @guarded
    def search_index(
        context: dg.AssetExecutionContext,
        restricted: RestrictedZone,
        releasable: ReleasableZone,
        contracts: Contracts,
        pseudonymisation: Pseudonymisation,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        """Searchable variables per person and series, with true years; private to this node."""
        dataset = context.partition_key
        here, shelf = restricted.shelf(dataset), releasable.shelf(dataset)
        source = contracts.source(dataset)
        years = _true_years(here, source, pseudonymisation.pseudonyms(source))
        tables = {name: shelf.read(f"cdm/{name}") for name in index.tables(criteria)}
        table = index.build(tables, criteria, years)
        here.write("search_index", table)
        return dg.MaterializeResult(metadata=table_metadata(here, "search_index", table))

    return search_index


@dg.asset(
    key=["restricted", "search_preview"],
    deps=[["restricted", "search_index"], ["tier_2", "catalogue_record"]],
    **placed("restricted", "tier_2", "parquet"),
)
@guarded
def search_preview(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    store: Store,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Every answer to a single criterion, as the service would give it once this version is released."""
    dataset = context.partition_key
    here, shelf = restricted.shelf(dataset), releasable.shelf(dataset)
    criteria = load_criteria(contracts.folder)
    record = shelf.read_files(f"tier_{searchable.TIER}/{staged.RECORD}").get(searchable.RECORD)
    if record is None:
        with restricted.ledger(dataset) as ledger:
            ledger.note(finished_search_index=staged.state(shelf))
        return dg.MaterializeResult(metadata={"preview": "None: the dataset has no catalogue record yet."})
    version = staged.content(dataset, searchable.TIER, shelf, contracts).version
    about = searchable.described(record, contracts.folder)
    table = here.read("search_index")
    collection = Collection(about, version, table, criteria, Control(pseudonymisation.site_key()))
    shown = preview(collection, criteria)
    place = searchable.shelf_name(version)
    here.write(f"{place}/preview", shown)
    here.write(f"{place}/{searchable.INDEX}", table)
    current = manifests.current_version(store.open(), dataset, searchable.TIER)
    searchable.keep_only(here, {version, current or version})
    with restricted.ledger(dataset) as ledger:
        ledger.note(finished_search_index=staged.state(shelf))
    text = dg.MetadataValue.md(_told(shown))
    return dg.MaterializeResult(metadata=table_metadata(here, f"{place}/preview", shown) | {"preview": text})


def _told(shown: pa.Table) -> str:
    """What is more than the one answer for few people, as a table of names and perturbed counts."""
    rows = [row for row in shown.to_pylist() if max(row["subjects"], row["studies"]) > FEW]
    lines = [
        f"| {row['criterion']} | {row['value']} | {row['subjects']} | {row['studies']} |" for row in rows
    ]
    rest = f"The other {shown.num_rows - len(rows)} show {FEW} people and {FEW} studies: few, or none."
    return "\n".join(["| criterion | value | people | studies |", "|---|---|---|---|", *lines, "", rest])


def _true_years(shelf: Shelf, source: SourceContract, pseudonyms: Pseudonyms) -> dict[str, int]:
    """Calendar year of the first diagnosis by pseudonym."""
    firsts = linkage.first_dates(shelf.read_all("coded_records"), source.linkage.diagnosis_date)
    people: pa.Table = shelf.read("people")
    return {
        pseudonyms.patient(
            row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"] or ""
        ): first.year
        for row in people.to_pylist()
        if row["in_tables"] and (first := firsts.get(row["PatientID"])) is not None
    }
