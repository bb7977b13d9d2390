"""The shape of a source contract: what one dataset is, which files it delivers, how its columns map.

Its parts lie in `source_catalogue`, `source_columns`, `source_files` and `source_risk`. Whether what it names
exists (vocabularies, tables, fields) is checked in `source_checks` and `quasi_identifiers`, not here.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from eucaim_pipelines.contracts.source_catalogue import Agent, Catalogue, Code, Contact, Part
from eucaim_pipelines.contracts.source_columns import (
    APPLIES_SUFFIX,
    FIELD_KINDS,
    OFFSET_SUFFIX,
    Column,
    Derived,
    Split,
)
from eucaim_pipelines.contracts.source_files import (
    CHARACTERISTICS,
    ClinicalFile,
    Condition,
    Constant,
    FieldSource,
    TableMapping,
)
from eucaim_pipelines.contracts.source_risk import Risk, Words

__all__ = [
    "APPLIES_SUFFIX",
    "CHARACTERISTICS",
    "FIELD_KINDS",
    "OFFSET_SUFFIX",
    "Agent",
    "Annotations",
    "Catalogue",
    "CheckChange",
    "ClinicalFile",
    "Column",
    "Condition",
    "Constant",
    "Contact",
    "Deidentification",
    "Derived",
    "FieldSource",
    "Imaging",
    "Linkage",
    "Search",
    "SourceContract",
    "Split",
    "TableMapping",
]

DatasetId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,150}$")]


class Imaging(Part):
    """Spellings of this holder's scanners, beside those that every vocabulary knows.

    `series_descriptions`: as received to as released. `harmonised`: as released to a code or label of the
    vocabulary series_description. `near_duplicates`: pixels of series are compared, and those at least so
    alike are told; without it nothing is computed.
    """

    series_descriptions: Mapping[str, str] = {}
    harmonised: Mapping[str, Code] = {}
    body_parts: Mapping[str, Code] = {}
    body_part_when_missing: Code | None = None
    manufacturer_when_missing: Code | None = None
    manufacturers: Mapping[str, Code] = {}
    procedures: Mapping[str, Code] = {}
    near_duplicates: Annotated[float, Field(ge=0.8, le=0.999)] | None = None


class Annotations(Part):
    """Who made this holder's annotations, and what they say beside what every vocabulary knows.

    `labels`: name of a segment or region as received, to a code of the vocabulary segment_label. The others
    are what EUCAIM asks of a dataset with segmentations (Handbook v1.0, minimum metadata), in the holder's
    words: how many people annotated, what they are, their years of experience, and on which sequences.
    """

    labels: Mapping[str, Code] = {}
    annotators: Annotated[int, Field(ge=1)] | None = None
    annotator_type: Words | None = None
    experience_years: Annotated[float, Field(ge=0, le=80)] | None = None
    sequences: tuple[Words, ...] = ()

    @property
    def untold(self) -> tuple[str, ...]:
        """What is missing of who made the annotations, in plain words with the key."""
        asked = {
            "number of annotators": "annotators",
            "type of annotators, such as radiologist": "annotator_type",
            "experience of the annotators in years": "experience_years",
            "sequences on which they annotated": "sequences",
        }
        missing = {text: key for text, key in asked.items() if getattr(self, key) in (None, ())}
        return tuple(f"the {text} is missing: write annotations.{key}." for text, key in missing.items())

    @property
    def told(self) -> str | None:
        """Who made the annotations, in a sentence; None where something of it is missing."""
        if self.untold:
            return None
        return (
            f"Annotations were made by {self.annotators} annotator(s) ({self.annotator_type}) with "
            f"{self.experience_years:g} years of experience, on {', '.join(self.sequences)}."
        )


class Linkage(Part):
    """What places images within the course of the disease.

    `diagnosis_date` and `treatment_date` are dates (`file.field`), the latter may be days. `days_from` says
    what the days of columns `is: days` are counted from: `diagnosis`, or a date (`file.field`). `timepoints`
    is the name of the file that says the timepoint and episode of each study.
    """

    diagnosis_date: str | None = None
    treatment_date: str | None = None
    days_from: str = "diagnosis"
    timepoints: str | None = None


class Deidentification(Part):
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


class Search(Part):
    """Whether federated search may ask the dataset, once Tier 2 is reached: what aiming at Tier 2 means."""

    allowed: bool = True


class CheckChange(Part):
    """A threshold that this holder changes, or a check that a named role waives until a day; and why."""

    at_least: Annotated[float, Field(ge=0, le=1)] | None = None
    waived_until: date | None = None
    waived_by: Words | None = None
    why: Words

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.waived_until is None) != (self.waived_by is None):
            raise ValueError("A waiver has a day (waived_until) and a role (waived_by)")
        if self.at_least is None and self.waived_until is None:
            raise ValueError("A change has at_least, or waived_until and waived_by")
        return self


class SourceContract(Part):
    """One dataset of one data holder."""

    dataset_id: DatasetId
    tier: Literal[1, 2, 3]
    catalogue: Catalogue = Catalogue()
    imaging: Imaging = Imaging()
    annotations: Annotations = Annotations()
    clinical: tuple[ClinicalFile, ...] = ()
    linkage: Linkage = Linkage()
    deidentification: Deidentification = Deidentification()
    search: Search = Search()
    checks: Mapping[str, CheckChange] = {}
    risk: Risk = Risk()
    _digest: str = PrivateAttr(default="")

    @property
    def digest(self) -> str:
        """SHA-256 of the contract's file; empty when it was not read from one."""
        return self._digest

    def file(self, name: str) -> ClinicalFile:
        """The clinical file of this name; KeyError if there is none."""
        return {spec.name: spec for spec in self.clinical}[name]

    def files_for(self, file_name: str) -> tuple[ClinicalFile, ...]:
        """The clinical files that read a delivered file: the first whose pattern fits, and all that share it.

        Several share one where the sheets of a workbook are described one by one.
        """
        first = self.file_for(file_name)
        return () if first is None else tuple(spec for spec in self.clinical if spec.files == first.files)

    def file_for(self, file_name: str) -> ClinicalFile | None:
        """The clinical file whose pattern fits a delivered file's name; the first that fits, or none."""
        return next((spec for spec in self.clinical if spec.matches(file_name)), None)
