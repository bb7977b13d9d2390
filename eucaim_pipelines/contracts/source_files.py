"""One kind of clinical file in a source contract: how it is written, its columns, the tables it fills.

What a column is lies in `source_columns`; whether the names exist is checked in `source_checks`.
"""

import unicodedata
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, StringConstraints, model_validator

from eucaim_pipelines.contracts.source_catalogue import Part
from eucaim_pipelines.contracts.source_columns import (
    APPLIES_SUFFIX,
    FIELD_KINDS,
    OCCURRENCE,
    Column,
    Derived,
    Name,
    Text,
)
from eucaim_pipelines.contracts.units import SAME, Conversion
from eucaim_pipelines.contracts.vocabularies import bare

CHARACTERISTICS = ("birth_sex", "ethnicity")
"""Vocabularies whose codes describe the person, not the disease (PS3.15 E.3.7, Retain Patient
Characteristics)."""
_OCCURRENCES = "#occurrence"
"""The column of a file as read that numbers its rows; no header begins like this but an empty one's place."""
_TESTS = (("given",), ("among",), ("not_in",), ("above", "below"))


def _bare(value: Any) -> Any:
    return bare(value) if isinstance(value, str) else value


Plain = Annotated[bool | int | float | str, AfterValidator(_bare)]


class Constant(Part):
    """A value that every row gets."""

    constant: Annotated[Any, AfterValidator(_bare)]


class Condition(Part):
    """What must hold for a row: one test of one coded field.

    `given` asks for a value (or for none); `in` and `not_in` compare codes, truth and numbers; `above` and
    `below` (both may stand together, the limits themselves are outside) compare numbers in the unit of the
    column. A field without a value meets `given: false` and no other test.
    """

    field: str
    given: bool | None = None
    among: tuple[Plain, ...] | None = Field(default=None, alias="in")
    not_in: tuple[Plain, ...] | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        used = [tests for tests in _TESTS if any(getattr(self, test) is not None for test in tests)]
        if len(used) != 1:
            raise ValueError("A condition has one test: given, in, not_in, or above and below")
        return self


def _conditions(written: Any) -> Any:
    """A field's name is short for "is given"; one condition for a list of one."""
    several = written if isinstance(written, list | tuple) else [written]
    return [{"field": one, "given": True} if isinstance(one, str) else one for one in several]


class TableMapping(Part):
    """Rows of a clinical file that become rows of a table of the common data model, where `when` holds."""

    table: str
    when: Annotated[tuple[Condition, ...], BeforeValidator(_conditions)] = ()
    fields: Mapping[str, str | Constant]

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that are mapped; constants are none."""
        return tuple(value for value in self.fields.values() if isinstance(value, str))

    def reads(self, fields: Collection[str]) -> bool:
        """Whether any of these is mapped or asked for."""
        return not {*self.named, *(condition.field for condition in self.when)}.isdisjoint(fields)


class FieldSource(NamedTuple):
    """Where the text of a field comes from: headers, and for a part of a cell its pattern and group.

    `joined` is the text between the cells of several headers; None: the first cell that is given.
    """

    column: Column
    headers: tuple[str, ...]
    pattern: str | None = None
    group: str | None = None
    joined: str | None = None


class Duration(NamedTuple):
    """How a number becomes years: by the unit code in the field `beside`, or by the one unit under None."""

    units: Mapping[str | None, Conversion]
    beside: str | None = None


class ClinicalFile(Part):
    """One kind of clinical file: where it is found, how it is written, what its columns are.

    Attributes
    ----------
    quotes
        Cells of a CSV file may be quoted (`"a;b"`); false where a `"` is a letter like any other.
    header, skip_lines, footer
        Line of the header (1-based; lines above it are titles; 0: there is none, columns are `#1`, `#2`, …);
        lines below it that are no data; texts with which the first row after the data begins ("Total").
    other_columns
        `refuse` stops a file with a column that is not listed; `ignore` leaves such columns out.
    thousands
        Separator of thousands in numbers, if they have one.
    fill_down
        Fields whose empty cells take the value above, of the same patient.
    """

    name: Name
    files: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    delivery: Literal["snapshot", "increment"]
    format: Literal["csv", "xlsx"] = "csv"
    sheet: str | None = None
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "utf-16"] = "utf-8"
    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n]$')] = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", " ", "'"] | None = None
    quotes: bool = True
    header: Annotated[int, Field(ge=0)] = 1
    skip_lines: tuple[Annotated[int, Field(ge=1)], ...] = ()
    footer: tuple[Annotated[Text, StringConstraints(min_length=1)], ...] = ()
    other_columns: Literal["refuse", "ignore"] = "refuse"
    missing: tuple[Text, ...] = ("",)
    fill_down: tuple[str, ...] = ()
    key: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: Annotated[Mapping[str, Column], Field(min_length=1)]
    derived: tuple[Derived, ...] = ()
    tables: tuple[TableMapping, ...] = ()
    _conversions: dict[str, Conversion] = PrivateAttr(default_factory=dict)
    _durations: dict[str, Duration] = PrivateAttr(default_factory=dict)
    _of_relatives: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal are the same")
        if any(line <= self.header for line in self.skip_lines):
            raise ValueError("skip_lines are lines below the header; lines above it are no data anyway")
        return self

    @property
    def patient_column(self) -> str:
        """Header of the column that holds the patient's identifier."""
        return next(name for name, column in self.columns.items() if column.kind == "patient_id")

    @property
    def identity_columns(self) -> tuple[str, ...]:
        """Headers of the columns that identify and never pass, the patient's identifier first."""
        others = (name for name, column in self.columns.items() if column.kind == "identity")
        return (self.patient_column, *others)

    @property
    def sources(self) -> dict[str, FieldSource]:
        """Every declared field, whatever its kind, to where its text comes from; columns first, in order."""
        found: dict[str, FieldSource] = {}
        for header, column in self.columns.items():
            if column.field is not None:
                found[column.field] = FieldSource(column, (header,))
            if column.split is not None:
                for group, part in column.split.fields.items():
                    found[str(part.field)] = FieldSource(part, (header,), column.split.pattern, group)
        headers = {field: source.headers for field, source in found.items()}
        for derived in self.derived:
            places = tuple(header for field in derived.inputs for header in headers.get(field, ()))
            joined = derived.join if derived.sources else None
            found[str(derived.field)] = FieldSource(derived, places, joined=joined)
        return found

    @property
    def fields(self) -> dict[str, Column]:
        """Fields that go on, by name, in the order of the columns; derived ones last."""
        return {name: s.column for name, s in self.sources.items() if s.column.kind in FIELD_KINDS}

    @property
    def separated(self) -> frozenset[str]:
        """Fields of cells that hold several values."""
        cells = {header for header, column in self.columns.items() if column.separator is not None}
        return frozenset(name for name, source in self.sources.items() if cells.intersection(source.headers))

    @property
    def applying(self) -> tuple[str, ...]:
        """Of each mapping, in order, the column of coded records that says whether it makes a row of them."""
        return tuple(f"{m.table}_{place}{APPLIES_SUFFIX}" for place, m in enumerate(self.tables, start=1))

    @property
    def characteristics(self) -> frozenset[str]:
        """Fields that describe the person: ages, and codes of sex and ethnicity."""
        return frozenset(
            name
            for name, column in self.fields.items()
            if column.kind == "age" or column.vocabulary in CHARACTERISTICS
        )

    @property
    def declared(self) -> dict[str, str]:
        """Every field that is the whole cell of a column, whatever its kind, to the header of its column."""
        numbered = {OCCURRENCE: _OCCURRENCES} if OCCURRENCE in self.key else {}
        return {c.field: name for name, c in self.columns.items() if c.field is not None} | numbered

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of the file as read: its headers, and a number of each row if the key asks for it."""
        return (*self.columns, *((_OCCURRENCES,) if OCCURRENCE in self.key else ()))

    def conversion(self, field: str) -> Conversion:
        """How a number of this field gets the unit of the table's field that it fills."""
        return self._conversions.get(field, SAME)

    @property
    def durations(self) -> Mapping[str, Duration]:
        """Numbers that are times, such as months of survival."""
        return self._durations

    @property
    def of_relatives(self) -> frozenset[str]:
        """Ages that are not the patient's: they fill fields of relatives and no other."""
        return self._of_relatives

    def matches(self, file_name: str) -> bool:
        """The name (no folders) fits the pattern; letter case and Unicode composition do not count."""
        return fnmatchcase(_folded(file_name), _folded(self.files))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
