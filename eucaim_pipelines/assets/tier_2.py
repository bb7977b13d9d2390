"""The private index of federated search: Tier 2's own asset, restricted because it holds true years.

What a query may be answered with is no concern of an asset.
"""

import dagster as dg
import pyarrow as pa

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.common import guarded, placed, table_metadata
from eucaim_pipelines.cdm import linkage
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone, Shelf
from eucaim_pipelines.search import index

TABLES = ("patient", "cancer_condition", "image_study", "image_series")


@dg.asset(
    key=["restricted", "search_index"],
    deps=[
        *(["cdm", name] for name in TABLES),
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
    """Searchable variables per patient, diagnosis and series, with true years; private to this node."""
    dataset = context.partition_key
    here, shelf = restricted.shelf(dataset), releasable.shelf(dataset)
    source = contracts.source(dataset)
    years = _true_years(here, source, pseudonymisation.pseudonyms(source))
    patient, condition, study, series = (shelf.read(f"cdm/{name}") for name in TABLES)
    table = index.build(patient, condition, study, series, years)
    here.write("search_index", table)
    with restricted.ledger(dataset) as ledger:
        ledger.note(finished_search_index=staged.state(shelf))
    return dg.MaterializeResult(metadata=table_metadata(here, "search_index", table))


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
