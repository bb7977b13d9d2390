"""The tables that a verification asks: VRs, UIDs of the Standard, public codes, private numbers.

Read here by functions of their own, so that an error in the engine's reading of them is not repeated.
"""

import csv
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from eucaim_pipelines import contracts

_MAY_STAY_KEYWORDS = """
    AlgorithmName AlgorithmVersion AttenuationCorrectionMethod CodeMeaning CodeValue
    CodingSchemeDesignator CodingSchemeVersion ContrastBolusAgent ContrastBolusRoute
    ConvolutionKernel FilterType ImagedNucleus LUTLabel LongCodeValue Manufacturer
    ManufacturerModelName ModalityLUTType OpticalPathIdentifier PositionReferenceIndicator
    ProtocolName PulseSequenceName ROIName Radiopharmaceutical RadiopharmaceuticalRoute
    ReceiveCoilName ReconstructionMethod ReferencedOpticalPathIdentifier RescaleType
    ScatterCorrectionMethod SegmentAlgorithmName SegmentDescription SegmentLabel SequenceName
    SeriesDescription SoftwareVersions StackID StudyDescription TimezoneOffsetFromUTC
    TransmitCoilName
"""
_PERSON_KEYWORDS = """
    AccessionNumber AdmissionID ClinicalTrialSubjectID ClinicalTrialSubjectReadingID
    FillerOrderNumberImagingServiceRequest InsurancePlanIdentification MedicalRecordLocator MilitaryRank
    OtherPatientIDs OtherPatientIDsSequence OtherPatientNames PatientAddress PatientBirthDate
    PatientBirthDateInAlternativeCalendar PatientBirthName PatientID PatientMotherBirthName PatientName
    PatientTelecomInformation PatientTelephoneNumbers PersonAddress PersonIdentificationCodeSequence
    PersonTelecomInformation PersonTelephoneNumbers PlacerOrderNumberImagingServiceRequest
    ReferringPhysicianAddress ReferringPhysicianTelephoneNumbers ResponsiblePerson ServiceEpisodeID StudyID
"""
_PLACEHOLDER = re.compile(r"[xX]+")


@cache
def may_stay() -> frozenset[int]:
    """Text that a reader needs and that was let through by a term, a pattern or the source's map."""
    from pydicom.datadict import keyword_dict

    return frozenset(keyword_dict[keyword] for keyword in _MAY_STAY_KEYWORDS.split())


@cache
def of_persons() -> frozenset[int]:
    """Attributes, and sequences around them, whose texts name one person or visit in a register.

    A register can be looked up, and a number of six digits is seldom equal by chance: what these hold is
    excused by no term, listed text or public code that looks like it.
    """
    from pydicom.datadict import keyword_dict

    return frozenset(keyword_dict[keyword] for keyword in _PERSON_KEYWORDS.split())


@lru_cache(8192)
def vr_of(tag: int) -> str:
    """VR of a tag where the file does not say it (PS3.6, PS3.5 A.1); UN for unknown ones."""
    from pydicom.datadict import DicomDictionary, RepeatersDictionary

    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    if not tag & 0xFFFF:
        return "UL"
    entry: Any = DicomDictionary.get(tag)
    if entry is None and tag >> 24 in (0x50, 0x60):
        entry = RepeatersDictionary.get(f"{tag >> 24:02X}xx{tag & 0xFFFF:04X}")
    stated = str(entry[0]) if entry is not None else "UN"
    return "OW" if "OW" in stated else stated[:2]


@cache
def well_known_uids() -> frozenset[str]:
    """UIDs of the Standard, which say nothing about an object."""
    return frozenset(row["uid"] for row in _rows("well_known_uids.csv"))


def is_public_scheme(scheme: str) -> bool:
    """Whether codes of this scheme are public."""
    return scheme in _schemes()


def is_public_code(scheme: str, value: str) -> bool:
    """Whether a code is one of a public scheme, or looks like one where its codes are not listed."""
    pattern = _schemes().get(scheme)
    if pattern is None:
        return False
    if pattern == "dictionary":
        return (scheme, value) in _dictionary()[0]
    return re.fullmatch(pattern, value, re.ASCII) is not None


@lru_cache(4096)
def is_public_meaning(text: str) -> bool:
    """Whether a text is the meaning of a public code, or names one as `scheme value`."""
    meanings, cut = _dictionary()[1:]
    scheme, _, value = text.partition(" ")
    known = text.casefold()
    return known in meanings or is_public_code(scheme, value) or (len(text) == 64 and known in cut)


@cache
def private_numbers() -> dict[tuple[str, int, int], str]:
    """VR by creator, group and last byte of the element, of the private numbers that may stay."""
    if not (_folder() / "private.csv").exists():
        return {}
    return {
        (row["creator"].strip(), int(row["group"], 16), _last_byte(row["element"])): row["vr"]
        for row in _rows("private.csv")
    }


@cache
def private_creators() -> frozenset[tuple[str, int]]:
    """Creator and group of the private numbers that may stay."""
    return frozenset((creator, group) for creator, group, _ in private_numbers())


def _last_byte(element: str) -> int:
    return int(_PLACEHOLDER.sub("", element.strip()), 16) & 0xFF


def _rows(name: str) -> list[dict[str, str]]:
    with (_folder() / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(line for line in lines if line[:1] != "#"))


def _folder() -> Path:
    return contracts.folder() / "deidentification"


@cache
def _schemes() -> dict[str, str]:
    return {row["scheme"]: row["pattern"] for row in _rows("coding_schemes.csv")}


@cache
def _dictionary() -> tuple[frozenset[tuple[str, str]], frozenset[str], frozenset[str]]:
    """Public codes, their meanings case-folded, and the meanings that a CodeMeaning must cut at 64."""
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    by_scheme: Any = concepts
    codes, meanings = set(), set()
    for scheme, keywords in by_scheme.items():
        for entries in keywords.values():
            for value, entry in entries.items():
                codes.add((scheme, value))
                meanings.add(str(entry[0]).casefold())
    codes |= {("SRT", old) for old, new in mapping["SRT"].items() if ("SCT", new) in codes}
    return frozenset(codes), frozenset(meanings), frozenset(text[:64] for text in meanings if len(text) > 64)
