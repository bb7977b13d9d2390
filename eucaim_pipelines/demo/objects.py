"""DICOM objects of the demo: headers as a hospital fills them, identities in nested items included.

Which objects exist is decided by the datasets' own modules; how they are encoded, in encoding.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from eucaim_pipelines.demo.encoding import EXPLICIT, encode
from eucaim_pipelines.demo.people import CYRILLIC, GREEK, LATIN_1, UTF_8, Person, Staff, unaccented
from eucaim_pipelines.demo.plan import DatasetPlan, Made, Seeds

_CODECS = {LATIN_1: "latin-1", GREEK: "iso8859-7", CYRILLIC: "iso8859-5", UTF_8: "utf-8"}
_TEXT = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


@dataclass(frozen=True)
class Equipment:
    """One scanner; `private` adds its vendor's private elements to a header."""

    manufacturer: str
    model: str
    software: str
    serial: str
    station: str
    uid_root: str
    private: Callable[[Dataset, Person], None] | None = None

    def note(self, plan: DatasetPlan) -> None:
        """List what identifies the device."""
        plan.identify(self.serial, self.station)


@dataclass(frozen=True)
class Study:
    """One examination of one patient."""

    person: Person
    uid: str
    day: date
    hour: int
    number: str
    accession: str
    description: str
    show_birth_date: bool = True
    show_age: bool = True

    def note(self, plan: DatasetPlan) -> None:
        """List what identifies the study."""
        plan.identify(self.uid, self.accession)


@dataclass(frozen=True)
class Hospital:
    """Where the objects of one dataset come from."""

    seeds: Seeds
    staff: Staff
    application_entity: str


@dataclass
class Series:
    """One series and the objects made for it; `common` holds the elements that all of them share."""

    uid: str
    study: Study
    equipment: Equipment
    common: Dataset
    syntax: str = EXPLICIT
    made: list[Made] = field(default_factory=list)


def start_series(
    hospital: Hospital,
    study: Study,
    equipment: Equipment,
    *,
    modality: str,
    sop_class: str,
    number: int,
    description: str,
    protocol: str,
    body_part: str | None,
    syntax: str = EXPLICIT,
) -> Series:
    """Build the header that all objects of a series share, identities in nested items included."""
    uid = hospital.seeds.uid(equipment.uid_root, "series", study.uid, number)
    staff, person = hospital.staff, study.person
    turn = hospital.seeds.number(0, 99, "staff", study.uid)
    ds = Dataset()
    ds.SpecificCharacterSet = person.charset
    ds.SOPClassUID = sop_class
    ds.Modality = modality
    ds.Manufacturer = equipment.manufacturer
    ds.ManufacturerModelName = equipment.model
    ds.SoftwareVersions = equipment.software
    ds.DeviceSerialNumber = equipment.serial
    ds.StationName = equipment.station
    ds.InstitutionName = staff.institution
    ds.InstitutionAddress = staff.address
    ds.InstitutionalDepartmentName = staff.department
    _add_patient(ds, study)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study.uid, uid
    day, clock = f"{study.day:%Y%m%d}", f"{study.hour:02d}{number % 60:02d}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = day
    ds.StudyTime, ds.SeriesTime = f"{study.hour:02d}0000", f"{clock}05"
    ds.AcquisitionTime, ds.ContentTime = f"{clock}10.250000", f"{clock}12.500000"
    ds.InstanceCreationDate, ds.InstanceCreationTime = day, f"{clock}30"
    ds.StudyID, ds.AccessionNumber, ds.StudyDescription = study.number, study.accession, study.description
    ds.SeriesNumber, ds.SeriesDescription, ds.ProtocolName = number, description, protocol
    if body_part is not None:
        ds.BodyPartExamined = body_part
    ds.ReferringPhysicianName = staff.referring[turn % len(staff.referring)]
    ds.OperatorsName = staff.operators[turn % len(staff.operators)]
    ds.NameOfPhysiciansReadingStudy = staff.reading[turn % len(staff.reading)]
    ds.PerformedProcedureStepStartDate = day
    ds.PerformedProcedureStepDescription = study.description
    ds.RequestAttributesSequence = Sequence([_request(study, staff.referring[turn % len(staff.referring)])])
    ds.ReferencedStudySequence = Sequence([_reference("1.2.840.10008.3.1.2.3.1", study.uid)])
    if equipment.private is not None:
        equipment.private(ds, person)
    fit_character_set(ds)
    return Series(uid, study, equipment, ds, syntax)


def fit_character_set(ds: Dataset, codec: str | None = None) -> None:
    """Take the accents from text that the dataset's character set cannot hold, at every depth."""
    codec = codec or _CODECS.get(str(ds.get("SpecificCharacterSet")), "ascii")
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                fit_character_set(item, codec)
        elif (
            element.VR in _TEXT
            and element.keyword != "PatientName"
            and isinstance(element.value, str | PersonName)
        ):
            try:
                str(element.value).encode(codec)
            except UnicodeEncodeError:
                element.value = unaccented(str(element.value))


def _add_patient(ds: Dataset, study: Study) -> None:
    person = study.person
    ds.PatientName, ds.PatientID, ds.PatientSex = person.dicom_name, person.patient_id, person.sex
    if person.number % 16 == 0:
        ds.PatientID = f"{person.patient_id}  "  # some worklists pad; it is still the same identifier
    ds.PatientBirthDate = f"{person.birth:%Y%m%d}" if study.show_birth_date else ""
    if study.show_age:
        ds.PatientAge = f"{person.age(study.day):03d}Y"
    ds.PatientAddress, ds.PatientTelephoneNumbers = f"{person.address}, {person.city}", person.phone
    other = Dataset()
    other.PatientID, other.TypeOfPatientID = person.other_id, "TEXT"
    ds.OtherPatientIDsSequence = Sequence([other])
    if person.number % 4 == 0:
        ds.OriginalAttributesSequence = Sequence([_before_coercion(study)])


def _before_coercion(study: Study) -> Dataset:
    """What an archive remembers of the name and number that it replaced (PS3.3 C.12.1.1.9)."""
    before = Dataset()
    before.PatientName, before.PatientID = study.person.dicom_name, study.person.other_id
    item = Dataset()
    item.SourceOfPreviousValues, item.ModifyingSystem = "", "PACS"
    item.AttributeModificationDateTime = f"{study.day:%Y%m%d}190000"
    item.ReasonForTheAttributeModification = "COERCE"
    item.ModifiedAttributesSequence = Sequence([before])
    return item


def _request(study: Study, physician: str) -> Dataset:
    item = Dataset()
    item.RequestedProcedureID = study.accession
    item.AccessionNumber = study.accession
    item.RequestedProcedureDescription = study.description
    item.ScheduledProcedureStepDescription = f"{study.description} {study.person.name.family}"[:64]
    item.ScheduledProcedureStepID = study.number
    item.RequestingPhysician = physician
    return item


def _reference(sop_class: str, uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def add_image(
    ds: Dataset, pixels: np.ndarray, *, signed: bool = False, photometric: str = "MONOCHROME2"
) -> None:
    """Image pixel module (PS3.3 C.7.6.3) for 8- or 16-bit grey, RGB, or several frames of grey."""
    samples = 3 if photometric == "RGB" else 1
    rows, columns = pixels.shape[1:3] if pixels.ndim == 3 and samples == 1 else pixels.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = samples, photometric
    if samples == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = rows, columns
    bits = pixels.dtype.itemsize * 8
    ds.BitsAllocated = bits
    ds.BitsStored = bits if bits == 8 or signed else 12
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if bits == 16 else "OB"


def finish(hospital: Hospital, series: Series, number: int, *, version: int = 1, label: object = "") -> Made:
    """Encode what `series.common` holds now as instance `number` and add it to the series."""
    ds = series.common
    ds.SOPInstanceUID = hospital.seeds.uid(series.equipment.uid_root, "instance", series.uid, number, label)
    ds.InstanceNumber = number
    data = encode(ds, series.syntax, hospital.application_entity)
    made = Made(
        data,
        ds.SOPInstanceUID,
        series.uid,
        series.study.uid,
        ds.PatientID.strip(),
        ds.get("Modality", ""),
        version,
    )
    series.made.append(made)
    return made
