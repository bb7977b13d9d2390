"""Tables that clinical records fill, by the table's contract and the mappings of the source contract alone.

What a cell means was decided in `coding`; the few tables that need more are in `clinical_tables`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import firsts, joined, key, lookup, nearest, ordered, whole
from eucaim_pipelines.cdm.inputs import CdmInputs
from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.source_files import CHARACTERISTICS
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX, ClinicalFile, Constant, TableMapping
from eucaim_pipelines.contracts.tables import TableContract

ONE_STATEMENT = frozenset({"cancer_condition"})
"""Tables in which rows of one patient and file that say the same are one: registries repeat the diagnosis
on every line of treatment."""
LINE, FILE, DAY, DATE = "_line", "_file", "_day", "_date"
"""Beside the fields of a mapped table: its line and file, and what orders the rows of one patient."""
_WISH = "_wish_"
_ORDER = ("patient_id", DAY, DATE)


def rows(table: str, inputs: CdmInputs) -> pa.Table:
    """The rows that records give to a table, links included; columns of its contract, and those above.

    A record gives a row where its mapping applies (`conditions.applying`, asked before the crossing). Several
    mappings of one file give several rows.
    """
    own = mapped(table, inputs)
    kept = own.filter(pc.equal(own[_key(inputs.contracts[table])], _kept_keys(table, inputs)))
    for name, target in _links(inputs.contracts[table]).items():
        if target in inputs.contracts and name in kept.column_names:
            kept = kept.set_column(kept.column_names.index(name), name, _linked(kept, name, target, inputs))
    return kept


def mapped(table: str, inputs: CdmInputs) -> pa.Table:
    """As `rows`, but what links hold is only what the mappings wish for, and equal statements are repeated.

    The rows of one patient come in the order of their days from diagnosis, then dates, then keys; undated
    ones last. Where a part of a treatment has no treatment of its own record, there is a bare one.
    """
    if table not in inputs.mapped:
        own = _of_mappings(table, inputs)
        for part, link in _parts(table, inputs).items():
            own = pa.concat_tables([own, _bare(own, part, link, table, inputs)])
        order = [(name, "ascending") for name in (*_ORDER, _key(inputs.contracts[table]))]
        inputs.mapped[table] = ordered(own, order)
    return inputs.mapped[table]


def _of_mappings(table: str, inputs: CdmInputs) -> pa.Table:
    contract = inputs.contracts[table]
    pieces = [_shape(contract).empty_table()]
    for spec in inputs.source.clinical:
        records = inputs.sorted_records.get(spec.name)
        for place, number in _mappings(spec, table) if records is not None else ():
            pieces.append(_piece(spec, place, number, records, contract, inputs))
    return pa.concat_tables(pieces)


def _mappings(spec: ClinicalFile, table: str) -> Iterator[tuple[int, int]]:
    """Place among the file's mappings, and number among those to this table, from 1."""
    places = [place for place, mapping in enumerate(spec.tables) if mapping.table == table]
    yield from ((place, number) for number, place in enumerate(places, start=1))


def _piece(
    spec: ClinicalFile,
    place: int,
    number: int,
    records: pa.Table,
    contract: TableContract,
    inputs: CdmInputs,
) -> pa.Table:
    """The rows that one mapping makes."""
    mapping = spec.tables[place]
    records = records.filter(records[spec.applying[place]])
    shape, count = _shape(contract), records.num_rows
    columns: dict[str, Any] = {name: pa.nulls(count, shape.field(name).type) for name in shape.names}
    columns[LINE], columns[FILE] = _lines(records), pa.repeat(spec.name, count)
    for name, field in contract.fields.items():
        columns[name] = _cells(field, mapping, records, inputs)
        if field.filled_by == "key":
            columns[name] = key(contract.name, records["record_id"], _suffix(number))
        if pa.types.is_date(field.type):
            columns[name + OFFSET_SUFFIX] = _offset(mapping.fields.get(name), records)
    for name, target in _links(contract).items():
        columns[_WISH + name] = _wish(spec, place, target, records)
        columns[name] = columns[_WISH + name]
    _derive(contract, columns, inputs)
    dates = [name for name, field in contract.fields.items() if pa.types.is_date(field.type)]
    offsets = [name for name, field in contract.fields.items() if field.offset_of]
    columns[DAY] = _first_known([*offsets, *(name + OFFSET_SUFFIX for name in dates)], columns, pa.int64())
    columns[DATE] = _first_known(dates, columns, pa.date32())
    cells = [pc.cast(whole(columns[field.name]), field.type) for field in shape]
    return pa.table(cells, schema=shape)


def _shape(contract: TableContract) -> pa.Schema:
    """What a mapped table holds: the contract's fields (all may be empty yet), and what is beside them."""
    fields = [(name, field.type) for name, field in contract.fields.items()]
    dates = [name for name, field in contract.fields.items() if pa.types.is_date(field.type)]
    return pa.schema(
        [
            *fields,
            *((name + OFFSET_SUFFIX, pa.int64()) for name in dates),
            *((_WISH + name, pa.string()) for name in _links(contract)),
            *((LINE, pa.string()), (FILE, pa.string()), (DAY, pa.int64()), (DATE, pa.date32())),
        ]
    )


def _lines(records: pa.Table) -> Any:
    """The first record of the line of each: the record itself, unless a cell held several values."""
    return records["line_id" if "line_id" in records.column_names else "record_id"]


def _cells(field: Field, mapping: TableMapping, records: pa.Table, inputs: CdmInputs) -> Any:
    """What the mapping, or the pipeline by itself, puts into one field; null where neither does."""
    value = mapping.fields.get(field.name)
    told = inputs.source.deidentification.patient_characteristics or field.value_set not in CHARACTERISTICS
    if isinstance(value, Constant) and told:
        return pa.repeat(pa.scalar(value.constant, field.type), records.num_rows)
    if isinstance(value, str):
        whole_years = pa.types.is_integer(field.type) and pa.types.is_floating(records[value].type)
        return pc.floor(records[value]) if whole_years else records[value]
    if field.filled_by == "patient":
        return records["patient_id"]
    if field.filled_by == "dataset":
        return pa.repeat(inputs.source.dataset_id, records.num_rows)
    return pa.nulls(records.num_rows, field.type)


def _offset(value: str | Constant | None, records: pa.Table) -> Any:
    """Days from diagnosis of the date that is mapped."""
    name = f"{value}{OFFSET_SUFFIX}"
    if isinstance(value, str) and name in records.column_names:
        return records[name]
    return pa.nulls(records.num_rows, pa.int64())


def _derive(contract: TableContract, columns: dict[str, Any], inputs: CdmInputs) -> None:
    """Days of a date, the category of a code and the unit of a value, where the source does not map them."""
    fields = contract.fields
    for name, field in fields.items():
        if field.offset_of is not None:
            columns[name] = pc.coalesce(columns[name], columns[field.offset_of + OFFSET_SUFFIX])
        if field.category_of is not None:
            vocabulary = inputs.vocabularies[str(fields[field.category_of].value_set)]
            columns[name] = pc.coalesce(columns[name], _categories(columns[field.category_of], vocabulary))
    for name, field in fields.items():
        if field.unit_of is not None:
            unit = pc.coalesce(columns[name], pa.scalar(field.unit_code, pa.string()))
            columns[name] = pc.if_else(pc.is_valid(columns[field.unit_of]), unit, None)


def _categories(codes: Any, vocabulary: Any) -> pa.Array:
    known: Mapping[str, str] = vocabulary.categories
    return lookup(codes, pa.array(known.keys(), pa.string()), pa.array(known.values(), pa.string()))


def _first_known(names: list[str], columns: dict[str, Any], kind: pa.DataType) -> Any:
    nothing = pa.nulls(len(columns[LINE]), kind)
    return pc.coalesce(*(columns[name] for name in names), nothing)


def _key(contract: TableContract) -> str:
    return contract.primary_key[0]


def _suffix(number: int) -> str:
    return "" if number == 1 else f"-{number}"


def _links(contract: TableContract) -> dict[str, str]:
    """Field that the pipeline fills with the key of a row of another table, to that table."""
    linked = {name for name, field in contract.fields.items() if field.filled_by == "link"}
    return {
        relation.field: relation.to_table for relation in contract.relationships if relation.field in linked
    }


def _parts(table: str, inputs: CdmInputs) -> dict[str, str]:
    """Tables whose rows always are part of a row of this one (radiotherapy of a treatment), to the link."""
    return {
        name: field
        for name, contract in inputs.contracts.items()
        for field, target in _links(contract).items()
        if target == table and name != table and contract.fields[field].requirement == "always"
    }


def _wish(spec: ClinicalFile, place: int, target: str, records: pa.Table) -> pa.Array:
    """Key of the row that the nearest mapping above to the target table, else the first one, makes."""
    found = list(_mappings(spec, target))
    above = [number for at, number in found if at < place]
    number = above[-1] if above else 1
    once = found and not spec.tables[found[number - 1][0]].reads(spec.separated)
    return key(target, _lines(records) if once else records["record_id"], _suffix(number))


def _bare(own: pa.Table, part: str, link: str, table: str, inputs: CdmInputs) -> pa.Table:
    """Rows of `table` for the rows of a part that have none: key, patient, dataset and nothing else."""
    contract = inputs.contracts[table]
    made = _of_mappings(part, inputs)
    name, wish = _key(contract), _WISH + link
    missing = firsts(made.filter(pc.invert(pc.is_in(made[wish], whole(own[name])))), wish)
    columns: dict[str, Any] = {field.name: pa.nulls(missing.num_rows, field.type) for field in own.schema} | {
        column: missing[column] for column in (LINE, FILE, DAY, DATE)
    }
    columns[name] = missing[wish]
    for field in contract.fields.values():
        if field.filled_by == "patient":
            columns[field.name] = missing["patient_id"]
        if field.filled_by == "dataset":
            columns[field.name] = pa.repeat(inputs.source.dataset_id, missing.num_rows)
    return pa.table([whole(columns[field.name]) for field in own.schema], schema=own.schema)


def _kept_keys(table: str, inputs: CdmInputs) -> pa.Array:
    """Of every row of `mapped` the key under which its statement is kept: the first that says the same."""
    found = mapped(table, inputs)
    own = whole(found[_key(inputs.contracts[table])])
    if table not in ONE_STATEMENT:
        return own
    beside = {_key(inputs.contracts[table]), LINE, *_links(inputs.contracts[table])}
    said = [name for name in found.column_names if name not in beside and not name.startswith(_WISH)]
    statements = joined(*(found[name] for name in said))
    return lookup(statements, statements, own)


def _linked(own: pa.Table, name: str, target: str, inputs: CdmInputs) -> pa.Array:
    """Key of the row of the target that the same line made, else of the patient's nearest; else null."""
    found, kept = mapped(target, inputs), _kept_keys(target, inputs)
    by = {_WISH + name: found[_key(inputs.contracts[target])], LINE: found[LINE]}
    same = (lookup(own[column], keys, kept) for column, keys in by.items())
    return pc.coalesce(*same, nearest(own["patient_id"], own[DAY], found["patient_id"], found[DAY], kept))
