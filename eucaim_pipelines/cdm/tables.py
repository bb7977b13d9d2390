"""One door to the tables of the common data model: name in, table of its contract out.

How each is made lies in `imaging_tables`, `record_tables`, `clinical_tables` and `episodes`.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm import clinical_tables, episodes, imaging_tables, record_tables, segmentation_tables
from eucaim_pipelines.cdm.columns import whole
from eucaim_pipelines.cdm.inputs import CdmInputs
from eucaim_pipelines.contracts.tables import TableContract

INSTANCES, RECORDS, LINKS = "instances", "clinical_records", "study_links"
_READ_FROM: dict[str, tuple[str, ...]] = {
    "people": (INSTANCES, RECORDS),
    "records": (RECORDS,),
    "links": (INSTANCES, RECORDS, LINKS),
    "images": (INSTANCES,),
    "catalogue": (),
}
_READ_MORE: dict[str, tuple[str, ...]] = {
    "procedure": (INSTANCES, RECORDS, LINKS),
    "image_study": (INSTANCES, RECORDS, LINKS),
}
_BUILDERS: dict[str, Callable[[CdmInputs], pa.Table]] = {
    "patient": clinical_tables.patient,
    "procedure": clinical_tables.procedure,
    "dataset": clinical_tables.dataset,
    "episode": episodes.episode,
    "episode_event": episodes.episode_event,
    "image_study": lambda inputs: imaging_tables.image_study(inputs, episodes.episode_ids(inputs)),
    "image_series": imaging_tables.image_series,
    "image_modality": imaging_tables.image_modality,
    "segmentation_series": segmentation_tables.segmentation_series,
    "segment": segmentation_tables.segment,
}


def depends_on(contract: TableContract) -> tuple[str, ...]:
    """De-identified tables that a table reads; no table of the model is made from another one."""
    return _READ_MORE.get(contract.name, _READ_FROM[contract.filled_from])


def build(table: str, inputs: CdmInputs) -> pa.Table:
    """The table of this name, in the schema of its contract, sorted by its key.

    Only the inputs that `depends_on` names are read. Equal inputs give an equal table, row by row.

    Raises
    ------
    KeyError
        There is no such table, or nothing that makes it: only tables filled from records need no code.
    """
    contract = inputs.contracts[table]
    if table not in _BUILDERS and contract.filled_from == "records":
        return _as_contracted(record_tables.rows(table, inputs), contract)
    return _as_contracted(_BUILDERS[table](inputs), contract)


def _as_contracted(made: pa.Table, contract: TableContract) -> pa.Table:
    """Columns in the order and types of the contract (those that were not made are empty), rows by key."""
    schema = contract.schema
    columns = [
        pc.cast(made[field.name], field.type)
        if field.name in made.column_names
        else pa.nulls(made.num_rows, field.type)
        for field in schema
    ]
    table = pa.table(columns, schema=schema)
    first = whole(table[contract.primary_key[0]])
    if pc.all(pc.less(first[:-1], first[1:])).as_py():
        return table.combine_chunks()  # sorted as it was made; large tables are not copied for nothing
    others = [name for name in schema.names if name not in contract.primary_key]
    order = [(name, "ascending") for name in (*contract.primary_key, *others)]
    return table.take(pc.sort_indices(table, sort_keys=order)).combine_chunks()
