"""What is suggested for a source: columns, files, tables, as data; how it looks as YAML is said in `writing`.

A draft may hold `TODO` wherever a contract holds a value; the loader points at each.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from eucaim_pipelines.contracts.fields import Field

TODO = "TODO"
NO_FIELD = "no field found: map it, or leave it out"


@dataclass(frozen=True)
class ValueDraft:
    """One local spelling, what it becomes (None: no value; or TODO), and what to know about it."""

    spelling: str
    value: str | bool | None
    comment: str = ""


@dataclass(frozen=True)
class Target:
    """A field of the common data model that a column fills, and codes that stand beside it in every row."""

    table: str
    field: str
    constants: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class ColumnDraft:
    """What is suggested for one column; keys as in a source contract. `left_out` counts untold spellings."""

    header: str
    kind: str
    field: str | None = None
    vocabulary: str | None = None
    values: tuple[ValueDraft, ...] = ()
    formats: tuple[str, ...] = ()
    unit: str | None = None
    separator: str | None = None
    left_out: int = 0
    targets: tuple[Target, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class TableDraft:
    """One mapping of a file to a table: field of the table to field of the file, or to a constant."""

    table: str
    when: str | None
    fields: Mapping[str, str]
    constants: Mapping[str, str]


@dataclass(frozen=True)
class FileDraft:
    """One clinical file; options are the keys that say how it is written, in order."""

    name: str
    options: Mapping[str, object]
    key: tuple[str, ...]
    columns: tuple[ColumnDraft, ...]
    tables: tuple[TableDraft, ...]
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImagingDraft:
    """Spellings of scanners without a code, and descriptions of series; `left_out` counts those untold."""

    series_descriptions: tuple[ValueDraft, ...] = ()
    body_parts: tuple[ValueDraft, ...] = ()
    manufacturers: tuple[ValueDraft, ...] = ()
    left_out: int = 0
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceDraft:
    """The whole contract."""

    dataset_id: str
    condition: str
    files: tuple[FileDraft, ...]
    linkage: Mapping[str, str]
    imaging: ImagingDraft = ImagingDraft()
    comments: tuple[str, ...] = ()


def kind_of(each: Field) -> str:
    """What a column is that fills this field."""
    if each.value_set:
        return "code"
    if each.filled_with:
        return each.filled_with
    kinds = {
        "date": pa.types.is_date(each.type),
        "boolean": pa.types.is_boolean(each.type),
    }
    return next(
        (kind for kind, fits in kinds.items() if fits),
        "number" if pa.types.is_floating(each.type) else "integer",
    )
