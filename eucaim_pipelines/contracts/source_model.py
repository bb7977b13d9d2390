"""The shape of a source contract: what one dataset is, which files it delivers, how its columns map.

Whether what it names exists (vocabularies, tables, fields) is checked in `source_checks`, not here.
"""

import unicodedata
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    model_validator,
)

from eucaim_pipelines.contracts.vocabularies import bare

Kind = Literal[
    "patient_id", "identity", "code", "age", "date", "number", "integer", "boolean", "free_text", "ignore"
]
FIELD_KINDS = ("code", "age", "date", "number", "integer", "boolean")
OFFSET_SUFFIX = "_offset_days"
GIVEN_SUFFIX = "_given"
CHARACTERISTICS = ("birth_sex", "ethnicity")
"""Vocabularies whose codes describe the person, not the disease (PS3.15 E.3.7, Retain Patient
Characteristics)."""
RESERVED_FIELDS = ("patient_id", "record_id", "record_key", "file", "export", "line", "reason")

DatasetId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,150}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, AfterValidator(bare)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(_Part):
    """Whom users of the catalogue ask."""

    name: str = ""
    email: str | None = None
    url: str | None = None


class Agent(_Part):
    """An organisation of the catalogue record."""

    name: str = ""
    type: str | None = None
    contact_email: str | None = None
    contact_url: str | None = None


class Catalogue(_Part):
    """What the catalogue record says and the data cannot; what is left out is reported, not guessed.

    With `pool_small_values`, modalities, manufacturers and body parts of fewer than 10 people are given as
    the concept above all values; without it the record leaves them out.
    """

    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    contact: Contact | None = None
    publisher: Agent | None = None
    access_rights: Literal["PUBLIC", "RESTRICTED", "NON_PUBLIC"] | None = None
    access_conditions: tuple[Literal["DOWNLOAD", "IN_SITU_PROCESSING", "REMOTE_PROCESSING"], ...] = ()
    data_use_conditions: tuple[str, ...] = ()
    access_url: str | None = None
    legislation: tuple[str, ...] = ()
    health_categories: tuple[str, ...] = ()
    types: tuple[Code, ...] = ()
    condition: Code | None = None
    collection_methods: tuple[Code, ...] = ()
    provenance: str = ""
    health_data_access_body: Agent | None = None
    pool_small_values: bool = False


class Imaging(_Part):
    """Spellings of this holder's scanners, beside those that every vocabulary knows."""

    series_descriptions: Mapping[str, str] = {}
    body_parts: Mapping[str, Code] = {}
    body_part_when_missing: Code | None = None
    manufacturer_when_missing: Code | None = None
    manufacturers: Mapping[str, Code] = {}
    procedures: Mapping[str, Code] = {}


class Column(_Part):
    """What one column of a clinical file is; only fields of FIELD_KINDS go on, under the name `field`."""

    kind: Kind = Field(alias="is")
    field: Name | None = None
    vocabulary: str | None = None
    values: Mapping[str, Code | bool] = {}
    format: str = "%Y-%m-%d"
    unit: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind in FIELD_KINDS and self.field is None:
            raise ValueError(f"A column that is: {self.kind} needs a field")
        if self.field in RESERVED_FIELDS or (self.field or "").endswith((OFFSET_SUFFIX, GIVEN_SUFFIX)):
            raise ValueError(f"The field name '{self.field}' is reserved")
        if (self.kind == "code") != (self.vocabulary is not None):
            raise ValueError("A column that is: code, and only that, needs a vocabulary")
        wanted = {"code": str, "boolean": bool}.get(self.kind)
        if any(wanted is None or not isinstance(value, wanted) for value in self.values.values()):
            raise ValueError(
                "values holds codes for is: code, true or false for is: boolean, and nothing else"
            )
        return self


class Constant(_Part):
    """A value that every row gets."""

    constant: Annotated[Any, AfterValidator(lambda value: bare(value) if isinstance(value, str) else value)]


class TableMapping(_Part):
    """Rows of a clinical file that become rows of a table of the common data model."""

    table: str
    when: str | None = None
    fields: Mapping[str, str | Constant]


class ClinicalFile(_Part):
    """One kind of clinical file: where it is found, how it is written, what its columns are."""

    name: Name
    files: Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
    delivery: Literal["snapshot", "increment"]
    format: Literal["csv", "xlsx"] = "csv"
    sheet: str | None = None
    encoding: Literal["utf-8", "utf-8-sig", "cp1252"] = "utf-8"
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    missing: tuple[Text, ...] = ("",)
    key: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: Annotated[Mapping[str, Column], Field(min_length=1)]
    tables: tuple[TableMapping, ...] = ()

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
    def fields(self) -> dict[str, Column]:
        """Fields that go on, by name, in the order of the columns."""
        return {str(c.field): c for c in self.columns.values() if c.kind in FIELD_KINDS}

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
        """Every declared field, whatever its kind, to the header of its column."""
        return {c.field: name for name, c in self.columns.items() if c.field is not None}

    def matches(self, file_name: str) -> bool:
        """The name (no folders) fits the pattern; letter case and Unicode composition do not count."""
        return fnmatchcase(_folded(file_name), _folded(self.files))


class Linkage(_Part):
    """Fields (`file.field`) that place images within the course of the disease."""

    diagnosis_date: str | None = None
    treatment_date: str | None = None


class Deidentification(_Part):
    """What the holder chooses of the de-identification; everything else is the profile's.

    `dates`: moved by whole weeks into the past (`shift`), set to the first of their month (`day_one`), or
    removed with their times (`remove`); alike in images, clinical rows and study links.
    `patient_characteristics`: whether age, sex, ethnicity, size and weight stay, alike in all three.
    `descriptors`: whether descriptions of images stay, as far as a pattern, list or map knows them.
    `private_numbers`: whether the listed private numbers of images stay (b-values, scale factors).
    `pixels`: images that may show text are held back (`quarantine`), or masked and looked at again (`clean`).
    `pseudonyms`: derived from the site's key (`hmac`), or as EUCAIM's Lethe makes them (`lethe`).
    """

    dates: Literal["shift", "day_one", "remove"] = "shift"
    patient_characteristics: bool = True
    descriptors: bool = True
    private_numbers: bool = True
    pixels: Literal["quarantine", "clean"] = "quarantine"
    pseudonyms: Literal["hmac", "lethe"] = "hmac"


class CheckChange(_Part):
    """A threshold that this holder changes, with the reason."""

    at_least: Annotated[float, Field(ge=0, le=1)]
    why: Words


class SourceContract(_Part):
    """One dataset of one data holder."""

    dataset_id: DatasetId
    tier: Literal[1, 2, 3]
    catalogue: Catalogue = Catalogue()
    imaging: Imaging = Imaging()
    clinical: tuple[ClinicalFile, ...] = ()
    linkage: Linkage = Linkage()
    deidentification: Deidentification = Deidentification()
    checks: Mapping[str, CheckChange] = {}
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """SHA-256 of the contract's file; empty when it was not read from one."""
        return self._digest

    def file(self, name: str) -> ClinicalFile:
        """The clinical file of this name; KeyError if there is none."""
        return {spec.name: spec for spec in self.clinical}[name]

    def file_for(self, file_name: str) -> ClinicalFile | None:
        """The clinical file whose pattern fits a delivered file's name; the first that fits, or none."""
        return next((spec for spec in self.clinical if spec.matches(file_name)), None)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
