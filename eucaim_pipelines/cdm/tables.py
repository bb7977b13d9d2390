"""One door to the tables of the common data model: name in, table of its contract out.

How each is made lies in `imaging_tables`, `clinical_tables` and `episodes`.
"""

from collections.abc import Callable

import pyarrow as pa

from eucaim_pipelines.cdm import clinical_tables, episodes, imaging_tables
from eucaim_pipelines.cdm.inputs import CdmInputs, Row

INSTANCES, RECORDS, LINKS = "instances", "clinical_records", "study_links"
DEPENDS_ON: dict[str, tuple[str, ...]] = {
    "patient": (INSTANCES, RECORDS),
    "cancer_condition": (RECORDS,),
    "procedure": (INSTANCES, RECORDS, LINKS),
    "episode": (RECORDS,),
    "episode_event": (INSTANCES, RECORDS, LINKS),
    "image_study": (INSTANCES, RECORDS, LINKS),
    "image_series": (INSTANCES,),
    "treatment": (RECORDS,),
    "segmentation_series": (INSTANCES,),
    "segment": (INSTANCES,),
}
"""Table to the de-identified tables that it reads; no table of the model is made from another one."""

_BUILDERS: dict[str, Callable[[CdmInputs], list[Row]]] = {
    "patient": clinical_tables.patient,
    "cancer_condition": clinical_tables.cancer_condition,
    "procedure": clinical_tables.procedure,
    "episode": episodes.episode,
    "episode_event": episodes.episode_event,
    "image_study": lambda inputs: imaging_tables.image_study(inputs, episodes.episode_ids(inputs)),
    "image_series": imaging_tables.image_series,
    "treatment": clinical_tables.treatment,
    "segmentation_series": imaging_tables.segmentation_series,
    "segment": imaging_tables.segment,
}


def build(table: str, inputs: CdmInputs) -> pa.Table:
    """The table of this name, in the schema of its contract, sorted by its key.

    Only the inputs that `DEPENDS_ON` names are read. Equal inputs give an equal table, row by row.

    Raises
    ------
    KeyError
        There is no such table.
    """
    contract = inputs.contracts[table]
    names = contract.schema.names
    order = (*contract.primary_key, *names)
    rows = sorted(
        _BUILDERS[table](inputs) if table in _BUILDERS else [],
        key=lambda row: [_sortable(row.get(name)) for name in order],
    )
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in names} for row in rows], schema=contract.schema
    )


def _sortable(value: object) -> tuple[int, float, str]:
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (2, 0.0, str(value))
