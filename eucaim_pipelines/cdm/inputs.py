"""What the tables of the common data model are built from: everything that crossed, and the contracts.

Nothing here is of the restricted zone: identifiers are pseudonyms, dates are shifted, ages are pooled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm.imaging_codes import ImagingCodes
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

DAY, YEAR = "COM1000153", "COM1000151"
Row = dict[str, Any]


@dataclass(frozen=True)
class CdmInputs:
    """De-identified tables and the contracts that say what they become.

    Attributes
    ----------
    instances
        Header inventory of the released objects (DICOM keywords; PatientID is the pseudonym).
    records
        Clinical file name to its de-identified records (patient_id, record_id, fields, offsets in days).
    links
        Study links: patient_id, study_uid, study_date, days_from_diagnosis, imaging_timepoint,
        episode_type_code, age_at_study_years.
    """

    instances: pa.Table
    records: Mapping[str, pa.Table]
    links: pa.Table
    source: SourceContract
    contracts: Mapping[str, TableContract]
    vocabularies: Mapping[str, Vocabulary]

    @cached_property
    def codes(self) -> ImagingCodes:
        """Codes of image headers, with this holder's spellings."""
        return ImagingCodes(self.source, self.vocabularies)

    @cached_property
    def links_by_study(self) -> dict[tuple[str, str], Row]:
        """(patient_id, study_uid) to its link."""
        return {(row["patient_id"], row["study_uid"]): row for row in self.links.to_pylist()}

    @cached_property
    def sorted_records(self) -> dict[str, pa.Table]:
        """Clinical file name to its records, sorted by record_id."""
        return {name: table.sort_by("record_id") for name, table in sorted(self.records.items())}

    @cached_property
    def mapped(self) -> dict[str, pa.Table]:
        """Tables as `record_tables` has mapped them so far, so that links need not map them again."""
        return {}


def grouped(instances: pa.Table, keys: Sequence[str], aggregates: Sequence[tuple[str, str]]) -> list[Row]:
    """Rows of the inventory reduced per key; results are named by column, or `column_function` for counts.

    `min` stands for "the value": it ignores nulls and does not depend on the order of files.
    """
    table = instances.group_by(list(keys), use_threads=False).aggregate(list(aggregates))
    named = [name.removesuffix("_min") for name in table.column_names]
    rows: list[Row] = table.rename_columns(named).to_pylist()
    return rows


def unit_of(value: object, unit: str) -> str | None:
    """The unit beside a value, and none beside nothing."""
    return None if value is None else unit
