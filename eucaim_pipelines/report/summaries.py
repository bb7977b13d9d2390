"""Everything that a report says about the data, computed from the tables of a release in one go.

Each part has a module of its own (`summaries_*`); they share one DuckDB connection, with a view per contract.
"""

from collections.abc import Mapping

import pyarrow as pa

from eucaim_pipelines.contracts import views
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.report.summaries_completeness import completeness
from eucaim_pipelines.report.summaries_imaging import imaging
from eucaim_pipelines.report.summaries_linkage import linkage
from eucaim_pipelines.report.summary import Summaries


def summarise(
    tables: Mapping[str, pa.Table],
    contracts: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
) -> Summaries:
    """Exact counts of a release; which of them an edition shows is not decided here.

    Parameters
    ----------
    tables
        Tables of the common data model by name, as the release holds them; at least patient, image_study and
        image_series.
    """
    with views.connect(contracts, tables) as database:
        return Summaries(
            imaging=imaging(database, tables, contracts["image_series"], vocabularies),
            completeness=completeness(database, tables, contracts),
            linkage=linkage(database, tables),
        )
