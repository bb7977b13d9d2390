"""What the tables of the common data model are built from: everything that crossed, and the contracts.

Nothing here is of the restricted zone: identifiers are pseudonyms, dates are shifted, ages are pooled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from eucaim_pipelines.cdm.imaging_codes import ImagingCodes
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

DAY = "COM1000153"
"""Day, of the vocabulary units (hyper-ontology v2.0, CC BY 4.0)."""


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
    def sorted_records(self) -> dict[str, pa.Table]:
        """Clinical file name to its records, sorted by record_id."""
        return {name: table.sort_by("record_id") for name, table in sorted(self.records.items())}

    @cached_property
    def mapped(self) -> dict[str, pa.Table]:
        """Tables as `record_tables` has mapped them so far, so that links need not map them again."""
        return {}
