"""What one column of a clinical file is: its kind, and how its cells are written.

Which keys fit which kind is said here; whether vocabularies and codes exist is checked in `source_checks`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from eucaim_pipelines.contracts.source_catalogue import Code, Part

Kind = Literal[
    "patient_id", "identity", "code", "age", "date", "days", "number", "integer", "boolean",
    "study_uid", "timepoint", "episode", "free_text", "ignore",
]  # fmt: skip
FIELD_KINDS = (
    "code", "age", "date", "days", "number", "integer", "boolean", "study_uid", "timepoint", "episode",
)  # fmt: skip
"""What goes on under the name `field`; cells of all other kinds end in the restricted zone."""
MEASURED = ("age", "number", "integer")
OFFSET_SUFFIX = "_offset_days"
APPLIES_SUFFIX = "_applies"
EPISODES = "episode_type"
"""The vocabulary of `is: episode`."""
OCCURRENCE = "occurrence"
"""In a key: the number of a row among those of its patient in its file, if nothing else tells them apart."""
RESERVED_FIELDS = (
    OCCURRENCE, "patient_id", "record_id", "record_key", "line_id", "line_key",
    "file", "export", "line", "reason",
)  # fmt: skip

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Value = Code | bool | int | float | None

_VALUES: dict[str, tuple[type, ...]] = {
    "code": (str,),
    "episode": (str,),
    "boolean": (bool,),
    "age": (int, float),
    "number": (int, float),
    "integer": (int,),
    "days": (int,),
    "timepoint": (int,),
}
_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "vocabulary": ("code",),
    "formats": ("date",),
    "precision": ("date",),
    "century_before": ("date",),
    "unit": MEASURED,
    "limits": MEASURED,
    "take": ("patient_id", "study_uid"),
    "pad": ("patient_id",),
    "prefix": ("patient_id",),
}


def _several(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


class Column(Part):
    """What one column of a clinical file is; only fields of FIELD_KINDS go on, under the name `field`.

    Attributes
    ----------
    values
        Local spelling to code (`code`, `episode`), truth (`boolean`) or number; null means "no value".
    missing
        Spellings of "no value" in this column, beside those of the file.
    formats, precision
        How dates are written (`format`: one, or several that are tried in order); `precision` (month, year)
        is needed for formats without a day or month.
    century_before
        Of formats with a year of two digits: the year before which they lie, at most a hundred years.
    unit
        UCUM code of the numbers; of an age a (the default), mo, wk or d.
    limits
        What becomes of `<0.1` and `>90`: `refuse` lists them as unmapped, `keep` takes the limit itself.
    separator
        One cell holds several values, and each becomes a row of its own.
    split
        One cell holds several fields, found by a pattern with named groups.
    take, pad, prefix
        How an identifier becomes that of the images: the one group of a pattern, zeros on its left up to a
        width, a text before it; in this order.
    """

    kind: Kind = Field(alias="is")
    field: Name | None = None
    vocabulary: str | None = None
    values: Mapping[str, Value] = {}
    missing: tuple[Text, ...] = ()
    formats: Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)] = Field(
        default=("%Y-%m-%d",), alias="format"
    )
    precision: Literal["month", "year"] | None = None
    century_before: Annotated[int, Field(ge=1950, le=2150)] | None = None
    unit: str | None = None
    limits: Literal["refuse", "keep"] = "refuse"
    separator: Annotated[str, StringConstraints(min_length=1, max_length=5)] | None = None
    split: "Split | None" = None
    take: str | None = None
    pad: Annotated[int, Field(ge=1, le=64)] | None = None
    prefix: str | None = None

    @property
    def value_set(self) -> str | None:
        """The vocabulary of its codes, if its cells become codes."""
        return EPISODES if self.kind == "episode" else self.vocabulary

    @model_validator(mode="before")
    @classmethod
    def _split_says_what_it_is(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("split") is not None:
            if "is" in data or "field" in data:
                raise ValueError("A column with split has no is and no field of its own: its parts have")
            return {**data, "is": "ignore"}
        return data

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in FIELD_KINDS and self.field is None:
            raise ValueError(f"A column that is: {self.kind} needs a field")
        if self.field in RESERVED_FIELDS or (self.field or "").endswith((OFFSET_SUFFIX, APPLIES_SUFFIX)):
            raise ValueError(f"The field name '{self.field}' is reserved")
        if (self.kind == "code") != (self.vocabulary is not None):
            raise ValueError("A column that is: code, and only that, needs a vocabulary")
        for name, kinds in _ONLY_FOR.items():
            if name in self.model_fields_set and self.kind not in kinds:
                key = type(self).model_fields[name].alias or name
                raise ValueError(f"The key '{key}' belongs to columns that are: {', '.join(kinds)}")
        if self.separator is not None and self.kind not in FIELD_KINDS:
            raise ValueError(f"The key 'separator' belongs to columns that are: {', '.join(FIELD_KINDS)}")
        self._values_fit()
        if self.take is not None and _groups(self.take) != 1:
            raise ValueError("take is a pattern with exactly one group, the part that is taken")
        return self

    def _values_fit(self) -> None:
        told = [value for value in self.values.values() if value is not None]
        if self.values and self.kind not in _VALUES:
            raise ValueError(f"A column that is: {self.kind} has no values")
        if any(type(value) not in _VALUES[self.kind] for value in told):
            raise ValueError(
                "values holds codes for is: code, true or false for is: boolean, numbers for numbers, "
                "null for no value, and nothing else"
            )


class Split(Part):
    """Several fields in one cell: the whole cell fits `pattern`, each named group is one field's text."""

    pattern: str
    fields: Annotated[Mapping[str, Column], Field(min_length=1)]

    @model_validator(mode="after")
    def _groups_are_fields(self) -> Self:
        if _groups(self.pattern) is None or set(re.compile(self.pattern).groupindex) != set(self.fields):
            raise ValueError("pattern is a regular expression whose named groups are the keys of fields")
        if any(part.kind not in FIELD_KINDS or part.split or part.separator for part in self.fields.values()):
            raise ValueError(f"A part of a cell is one of {', '.join(FIELD_KINDS)}, undivided")
        return self


class Derived(Column):
    """A field made from other fields of the same row: their texts joined, or the first that is given."""

    sources: tuple[str, ...] = Field(default=(), alias="from")
    join: str = " "
    first_of: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The fields that it is made from, in order."""
        return self.sources or self.first_of

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.kind not in FIELD_KINDS or self.split or self.separator:
            raise ValueError(f"A derived field is one of {', '.join(FIELD_KINDS)}, undivided")
        if bool(self.sources) == bool(self.first_of):
            raise ValueError("A derived field has either from or first_of")
        if self.first_of and "join" in self.model_fields_set:
            raise ValueError("join belongs to from")
        return self


def _groups(pattern: str) -> int | None:
    """How many groups a regular expression has; None if it is none."""
    try:
        return re.compile(pattern).groups
    except re.error:
        return None
