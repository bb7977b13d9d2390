"""One property of a table contract: type, unit, value set, requirement, and how the pipeline fills it.

What a whole table is lies in `tables`; what is checked of a field in its rules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

import pyarrow as pa
from open_data_contract_standard.model import SchemaProperty

from eucaim_pipelines.contracts import odcs
from eucaim_pipelines.contracts.codes import known_codes
from eucaim_pipelines.contracts.positions import Document, Place

ARROW_TYPES = {
    "string": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
Requirement = Literal["always", "if_available", "optional"]
FILLED_BY = ("key", "patient", "dataset", "link", "images", "linkage", "nobody")
"""Who fills a field that no source contract may map; `nobody`: it stays empty, for what it would say."""
_UNIT = re.compile(r"[!-~]+")
_KEYWORD = re.compile(r"[A-Z][A-Za-z0-9]+")


@dataclass(frozen=True)
class Field:
    """One column of a table of the common data model.

    Attributes
    ----------
    requirement
        What EUCAIM's minimum metadata asks for: `always`, `if_available` or `optional`.
    concept
        Concept of the hyper-ontology v2.0 that the field stands for, bare; none where it has none.
    unit
        UCUM code of the quantity that the column holds, such as `mm`, `d` or `mg/dL`.
    value_set
        Name of the vocabulary whose codes the column holds.
    extension
        Ours; EUCAIM's model does not have it, and CSV exports leave it out.
    filled_by
        One of `FILLED_BY` where the pipeline fills it; none where a source contract may map it.
    offset_of
        Date field of the same table from whose days the whole days since diagnosis come.
    unit_of, unit_code
        Field whose unit this column names, and the code that stands beside every value of it.
    category_of
        Coded field whose category (of its vocabulary's row) this column holds.
    dicom
        Columns of the header inventory that an image field is made from.
    remedy
        What the holder can do when it is missing, in plain words.
    person
        `relative` where it tells of somebody else than the patient.
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool
    requirement: Requirement
    concept: str | None = None
    unit: str | None = None
    value_set: str | None = None
    extension: bool = False
    filled_by: str | None = None
    offset_of: str | None = None
    unit_of: str | None = None
    unit_code: str | None = None
    category_of: str | None = None
    dicom: tuple[str, ...] = ()
    remedy: str | None = None
    person: str | None = None

    @property
    def filled_with(self) -> Literal["age", "days"] | None:
        """The one kind of column that may fill it: what tells of 90 years never passes as a mere number."""
        return "age" if self.unit == "a" else "days" if self.offset_of is not None else None

    @property
    def arrow(self) -> pa.Field:
        """The field of an Arrow schema, with description, unit and concept in its metadata."""
        said = {"description": self.description, "unit": self.unit, "concept": self.concept}
        metadata = {key: value for key, value in said.items() if value}
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)


def read_field(document: Document, prop: SchemaProperty, place: Place, base: Path) -> Field:
    """The property at this place as a field.

    Raises
    ------
    ContractError
        A type, custom property, requirement, unit, code or vocabulary that does not exist.
    """
    if not prop.name or not prop.description or prop.logicalType not in ARROW_TYPES:
        raise document.error(
            f"A property needs name, description and one of the logical types {', '.join(ARROW_TYPES)}.",
            "Complete it.",
            place,
        )
    custom = odcs.custom(document, prop.customProperties, place, odcs.OF_PROPERTY)
    _check_values(document, custom, place, base)
    requirement = custom.get("requirement", "optional")
    return Field(
        name=prop.name,
        type=ARROW_TYPES[prop.logicalType],
        description=prop.description,
        nullable=not prop.required,
        requirement=cast(Requirement, requirement),
        concept=custom.get("concept"),
        unit=custom.get("unit"),
        value_set=custom.get("valueSet"),
        extension="origin" in custom,
        filled_by=custom.get("filledBy"),
        offset_of=custom.get("offsetOf"),
        unit_of=custom.get("unitOf"),
        unit_code=custom.get("unitCode"),
        category_of=custom.get("categoryOf"),
        dicom=tuple(word.strip() for word in custom.get("dicom", "").split(",") if word.strip()),
        remedy=custom.get("remedy"),
        person=custom.get("person"),
    )


def check_neighbours(document: Document, fields: Mapping[str, Field], place: Place) -> None:
    """What a field says of its neighbours must be true of them; `place` is that of the properties.

    Raises
    ------
    ContractError
        An offset of no date, a unit or category of a field that does not exist or does not fit.
    """
    for number, field in enumerate(fields.values()):
        date = fields.get(field.offset_of or "")
        of_unit, of_code = fields.get(field.unit_of or ""), fields.get(field.category_of or "")
        faults = {
            f"offsetOf '{field.offset_of}' is no date of this table, or the unit of days (d) is missing.": (
                field.offset_of is not None
                and (date is None or not pa.types.is_date(date.type) or field.unit != "d")
            ),
            f"unitOf '{field.unit_of}' is no field of this table, or unitCode or valueSet is missing.": (
                (field.unit_of is not None or field.unit_code is not None)
                and (of_unit is None or field.unit_code is None or field.value_set != "units")
            ),
            f"categoryOf '{field.category_of}' is no coded field of this table.": (
                field.category_of is not None and (of_code is None or of_code.value_set is None)
            ),
        }
        for what, wrong in faults.items():
            if wrong:
                raise document.error(what, "Correct it.", (*place, number, "customProperties"))


def _check_values(document: Document, custom: Mapping[str, Any], place: Place, base: Path) -> None:
    """One custom property after the other, each by its own rule."""
    allowed = {
        "origin": lambda value: value == "extension",
        "requirement": lambda value: value in get_args(Requirement),
        "person": lambda value: value == "relative",
        "filledBy": lambda value: value in FILLED_BY,
        "concept": lambda value: value in known_codes(base),
        "unitCode": lambda value: value in known_codes(base),
        "unit": lambda value: _UNIT.fullmatch(value),
        "dicom": lambda value: all(_KEYWORD.fullmatch(word.strip()) for word in value.split(",")),
    }
    for name, value in custom.items():
        if not isinstance(value, str) or (name in allowed and not allowed[name](value)):
            raise document.error(
                f"The value of '{name}' is not one that it can have.", "See data_contracts/README.md.", place
            )
    if "valueSet" in custom and not (base / "vocabularies" / f"{custom['valueSet']}.csv").is_file():
        raise document.error(f"There is no vocabulary '{custom['valueSet']}'.", "Correct the name.", place)
