"""Identities go into a real object, the answer key comes out.

Where an identity is put is said here; what the engine makes of it is for `scoring`.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.sequence import Sequence

from eucaim_pipelines_tests.deidentification.real.byte_search import standard_uids
from eucaim_pipelines_tests.midi_b.answers import Answer, Path, elements, text_of
from eucaim_pipelines_tests.midi_b.people import Person

_SR = "1.2.840.10008.5.1.4.1.1.88."
_PUBLIC_CONSTANTS = frozenset({"ContextGroupVersion", "CodingSchemeVersion"})
_DESCRIBING = frozenset(
    {"SeriesDescription", "StudyDescription", "ProtocolName", "ImageComments", "Manufacturer"}
    | {"ManufacturerModelName", "SoftwareVersions", "BodyPartExamined", "ConvolutionKernel", "SequenceName"}
    | {"DerivationDescription", "SegmentLabel", "CodeMeaning"}
)
"""Texts that the benchmark wants retained where nothing in them identifies."""


class _Injector:
    """Writes values into one object and remembers what is expected of each."""

    def __init__(self, ds: Dataset, person: Person, number: int) -> None:
        self.ds, self.person, self.number = ds, person, number
        self.answers: list[Answer] = []
        self.touched: set[Path] = set()

    def put(
        self, keyword: str, value: str, removed: str | None = None, kept: str = "", at: Path = ()
    ) -> None:
        """Set an element (at the item that a place names) of which `removed` must go and `kept` may stay."""
        tag = int(tag_for_keyword(keyword) or 0)
        self.put_tag(tag, dictionary_VR(tag), value, value if removed is None else removed, kept, at)

    def put_tag(self, tag: int, vr: str, value: object, removed: str, kept: str = "", at: Path = ()) -> None:
        """As `put`, by tag and VR; every component of a name must go."""
        place: Dataset = self.ds
        for sequence, index in zip(at[::2], at[1::2], strict=True):
            place = place[sequence].value[index]
        place.add_new(tag, vr, value)
        path = (*at, tag)
        self.touched.add(path)
        self.answers += [Answer("text_removed", path, part) for part in filter(None, _parts(vr, removed))]
        if kept:
            self.answers.append(Answer("text_retained", path, kept))

    def item(self, keyword: str, at: Path = ()) -> Path:
        """Place of a new last item of a sequence."""
        place: Dataset = self.ds
        for sequence, index in zip(at[::2], at[1::2], strict=True):
            place = place[sequence].value[index]
        if keyword not in place or not place[keyword].value:
            setattr(place, keyword, Sequence([]))
        place[keyword].value.append(Dataset())
        return (*at, int(place[keyword].tag), len(place[keyword].value) - 1)


def inject(ds: Dataset, person: Person, number: int) -> list[Answer]:
    """Put a person into an object, in place.

    Parameters
    ----------
    ds
        A real object, its texts decoded.
    person
        Whose identities go in.
    number
        Of the object; it decides which optional places are used.
    """
    ds.SpecificCharacterSet = person.character_set
    own = _Injector(ds, person, number)
    for step in (_header, _free_text, _nested, _private, _structured):
        step(own)
    return own.answers + list(_of_the_object(ds, own.touched))


def _parts(vr: str, text: str) -> list[str]:
    if vr != "PN":
        return [text]
    return [part for group in text.split("=") for part in group.split("^")]


def _header(own: _Injector) -> None:
    who = own.person
    for keyword, value in (
        ("PatientName", who.name),
        ("PatientBirthName", who.birth_name),
        ("OtherPatientNames", who.name),
        ("PatientAddress", who.address),
        ("PatientTelephoneNumbers", who.phone),
        ("ReferringPhysicianName", who.physician),
        ("ReferringPhysicianTelephoneNumbers", who.phone),
        ("PerformingPhysicianName", who.physician),
        ("OperatorsName", who.physician),
        ("InstitutionName", who.hospital),
        ("InstitutionAddress", who.address),
        ("AccessionNumber", who.accession),
        ("AdmissionID", who.accession),
        ("StationName", f"WS{who.accession}"),
        ("DeviceSerialNumber", f"SN{who.accession}"),
        ("MedicalRecordLocator", who.patient_id),
    ):
        own.put(keyword, value)
    own.put("PatientID", who.patient_id)
    own.answers.append(Answer("patid_consistent", (0x00100020,), who.patient_id))
    own.ds.PatientBirthDate = who.birth_date
    for offset, keyword in enumerate(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")):
        if not own.ds.get(keyword):
            setattr(own.ds, keyword, f"2017032{2 + offset}")
    own.ds.InstanceCreationDate, own.ds.AcquisitionDateTime = "20170327", "20170326141500.250000"
    own.ds.PerformedProcedureStepStartDate, own.ds.DateOfLastCalibration = "20170325", "20160229"


def _free_text(own: _Injector) -> None:
    who = own.person
    for keyword, said, removed in (
        ("StudyDescription", "follow-up of {}", who.family),
        ("SeriesDescription", "axial scan for {}", who.family),
        ("ProtocolName", "liver protocol {}", who.patient_id),
        ("ImageComments", "wet read given to {} by telephone", who.phone),
        ("PatientComments", "lives at {} with family", who.address),
        ("AdditionalPatientHistory", "referred from {} after surgery", who.hospital),
        ("StudyComments", "second opinion on {}", who.accession),
        ("RequestedProcedureDescription", "abdomen with contrast for {}", who.family),
        ("DerivationDescription", "resampled for {}", who.family),
        ("RequestedContrastAgent", "iodine as ordered by {}", who.physician.split("^")[0]),
    ):
        own.put(keyword, said.format(removed)[:64], removed, said.replace("{}", "").strip())
    if own.number % 3 == 0:  # texts that stay where a pattern knows them: a name in them must not
        own.put("SoftwareVersions", f"V1 {who.family}", who.family)
        own.put("ManufacturerModelName", who.family)
        own.put("Manufacturer", who.hospital)
        own.put("BodyPartExamined", "MRNXLIVER", "MRNX")


def _nested(own: _Injector) -> None:
    who = own.person
    at = own.item("OtherPatientIDsSequence")
    own.put("PatientID", f"{who.patient_id}B", at=at)
    at = own.item("RequestAttributesSequence")
    own.put("ScheduledProcedureStepDescription", f"thorax {who.family}", who.family, "thorax", at)
    own.put("ReasonForTheRequestedProcedure", f"fall at {who.address}", who.address, "fall", at)
    own.put("RequestedProcedureID", who.accession, at=at)
    at = own.item("ProcedureCodeSequence")
    own.put("CodeValue", f"P{who.accession}"[:16], at=at)
    own.put("CodingSchemeDesignator", "99QUARN", at=at)
    own.put("CodeMeaning", f"biopsy at {who.hospital}", who.hospital, "biopsy", at)
    at = own.item("OriginalAttributesSequence")
    own.put("SourceOfPreviousValues", who.hospital, at=at)
    at = own.item("ModifiedAttributesSequence", at)
    own.put("PatientName", who.name, at=at)
    own.put("PatientID", who.patient_id, at=at)
    own.answers.append(Answer("patid_consistent", (*at, 0x00100020), who.patient_id))
    at = own.item("ReferencedStudySequence")
    place = own.ds.ReferencedStudySequence[at[1]]
    place.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    place.ReferencedSOPInstanceUID = own.ds.StudyInstanceUID


def _private(own: _Injector) -> None:
    who, group = own.person, 0x0099
    block = own.ds.private_block(group, "QUARNDORF PACS", create=True)
    first = int(block.get_tag(0x01))
    own.put_tag(first, "LO", who.patient_id, who.patient_id)
    own.put_tag(first + 1, "PN", who.name, who.name)
    own.put_tag(first + 2, "UN", who.accession.encode().ljust(10), who.accession)
    own.put_tag(first + 3, "UI", f"1.2.826.0.1.3680043.9.7331.{own.number}.1", "")
    own.put_tag(first + 4, "DA", "20170328", "")
    item = Dataset()
    own.ds.add_new(first + 5, "SQ", Sequence([item]))
    own.put_tag(0x00104000, "LT", f"call {who.phone}", who.phone, at=(first + 5, 0))
    if own.number % 2:  # a creator that the de-identifier knows, and text where its number should be
        block = own.ds.private_block(0x0043, "GEMS_PARM_01", create=True)
        own.put_tag(int(block.get_tag(0x39)), "LO", who.family, who.family)


def _structured(own: _Injector) -> None:
    if not str(own.ds.SOPClassUID).startswith(_SR):
        return
    who = own.person
    for number, (kind, keyword, value, removed) in enumerate(
        (
            ("TEXT", "TextValue", f"{who.family} had no complaints", who.family),
            ("PNAME", "PersonName", who.physician, who.physician),
            ("UIDREF", "UID", f"1.2.826.0.1.3680043.9.7331.{own.number}.2", ""),
            ("DATE", "Date", "20170324", ""),
            ("DATETIME", "DateTime", "20170324101500", ""),
        )
    ):
        at = own.item("ContentSequence")
        place = own.ds.ContentSequence[at[1]]
        place.RelationshipType, place.ValueType = "CONTAINS", kind
        name = Dataset()
        name.CodeValue, name.CodingSchemeDesignator = "121071", "DCM"
        name.CodeMeaning = f"Finding of {who.family}"
        place.ConceptNameCodeSequence = Sequence([name])
        own.answers.append(Answer("text_removed", (*at, 0x0040A043, 0, 0x00080104), who.family))
        own.put(keyword, value, removed, at=at)
        if number == 0:
            inner = own.item("ContentSequence", at)
            own.put(
                "TextValue", f"seen by {who.physician.split('^')[0]}", who.physician.split("^")[0], at=inner
            )


def _of_the_object(ds: Dataset, touched: set[Path]) -> Iterator[Answer]:
    """What is expected of every element that the object has, put there or its own."""
    kept, required = kept_attributes(), _required(str(ds.SOPClassUID))
    for path, element in elements(ds):
        private = any(tag >> 16 & 1 for tag in path[::2])
        value = text_of(element) if element.VR != "SQ" else ""
        if element.VR == "UI" and value and value not in standard_uids():
            for uid in filter(None, value.split("\\")):
                yield Answer("uid_changed", path, uid)
            yield Answer("uid_consistent", path, value)
        if element.VR in ("DA", "DT") and len(value) >= 8 and element.keyword not in _PUBLIC_CONSTANTS:
            yield Answer("date_shifted", path, value[:8])
        if path in touched or private or not element.keyword:
            continue
        if all(tag in kept for tag in path[::2]):
            yield Answer("tag_retained", path)
        if (
            len(path) == 1
            and element.keyword in required
            and (value or (element.VR == "SQ" and element.value))
        ):
            yield Answer("text_notnull", path)
        if element.keyword in _DESCRIBING and value:
            yield Answer("text_retained", path, value)


@cache
def kept_attributes() -> frozenset[int]:
    """Tags of the attributes that the profile keeps, as committed beside this module."""
    with (FilePath(__file__).parent / "kept_attributes.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return frozenset(int(row["tag"][1:5] + row["tag"][6:10], 16) for row in rows)


@cache
def _required(sop_class: str) -> frozenset[str]:
    """Keywords of type 1 at the top level of mandatory modules, by highdicom's tables of PS3.3."""
    from highdicom import _standard_utils as tables

    modules = tables.get_iod_module_map()[tables.get_sop_class_iod_map()[sop_class]]
    attributes = tables.get_module_attribute_map()
    return frozenset(
        attribute["keyword"]
        for module in modules
        if module["usage"] == "M"
        for attribute in attributes[module["key"]]
        if attribute["type"] == "1" and not attribute["path"]
    )
