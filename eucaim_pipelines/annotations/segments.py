"""What is said of a segment (PS3.3 C.8.20.2): label, method, and what it shows in public codes.

The label is the annotation's own, as released; where the pixels lie is no concern of this module.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom import Dataset
from pydicom.sr.coding import Code

from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines.annotations.structure_sets import Region
from eucaim_pipelines.contracts.vocabularies import Vocabulary

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
ALTERED = Code("49755003", "SCT", "Morphologically Abnormal Structure")
TISSUE = Code("85756007", "SCT", "Tissue")
_METHODS = ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL")
_PUBLIC = "sct:"


def property_codes(label: str, vocabulary: Vocabulary) -> tuple[Code, Code]:
    """Segmented property category and type of a label.

    By the vocabulary of segment labels and its SNOMED CT aliases; a label that it does not know says no more
    than "tissue", the most general concept of PS3.16 CID 7150.
    """
    concept = vocabulary.code(label)
    public = [alias for alias, code in vocabulary.aliases.items() if code == concept]
    values = [alias.removeprefix(_PUBLIC) for alias in public if alias.startswith(_PUBLIC)]
    if concept is None or not values:
        return TISSUE, TISSUE
    category = ANATOMY if concept.startswith("BP") else ALTERED
    return category, Code(values[0], "SCT", vocabulary.labels[concept])


@dataclass(frozen=True)
class Meaning:
    """What is said of one segment, as released.

    Attributes
    ----------
    method
        MANUAL, SEMIAUTOMATIC or AUTOMATIC; what else was said is a problem.
    software
        Name and version of the software, each empty where it is not said.
    shows
        Segmented property category and type, where they were given in public codes.
    tracking
        Tracking UID and Tracking ID.
    """

    label: str
    description: str
    method: str
    software: tuple[str, str] = ("", "")
    shows: tuple[Code, Code] | None = None
    tracking: tuple[str, str] | None = None

    @property
    def problem(self) -> Problem | None:
        """What EUCAIM's minimum metadata of annotations ask for and nobody said of how it was drawn."""
        if self.method not in _METHODS:
            return Problem.NO_METHOD
        return Problem.NO_ALGORITHM if self.method != "MANUAL" and not self.software[0] else None


def segment(number: int, meaning: Meaning, vocabulary: Vocabulary) -> "SegmentDescription":
    """The item of the Segment Sequence; without given codes, the label says what it shows."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    identification = None
    if meaning.method != "MANUAL":
        name, version = meaning.software
        identification = hd.AlgorithmIdentificationSequence(
            name=name, family=codes.DCM.ArtificialIntelligence, version=version or "UNKNOWN"
        )
    category, kind = meaning.shows or property_codes(meaning.label, vocabulary)
    tracking_uid, tracking_id = meaning.tracking or (None, None)
    made = hd.seg.SegmentDescription(
        number, meaning.label, category, kind, meaning.method, identification, tracking_uid, tracking_id
    )
    made.SegmentDescription = meaning.description
    return made


def describe(
    regions: Sequence[Region], source: Dataset, vocabulary: Vocabulary
) -> "list[SegmentDescription]":
    """One segment per region, numbered from 1, each with its ROI as source of its definition.

    Raises
    ------
    NotConvertibleError
        `NO_METHOD`, `NO_ALGORITHM`: EUCAIM's minimum metadata of annotations ask for both.
    """
    meanings = [_meaning(region) for region in regions]
    found = [(r.number, m.problem) for r, m in zip(regions, meanings, strict=True) if m.problem is not None]
    if found:
        raise NotConvertibleError(Counter(found))
    made = []
    for number, (region, meaning) in enumerate(zip(regions, meanings, strict=True), start=1):
        definition = Dataset()
        definition.ReferencedSOPClassUID = source.SOPClassUID
        definition.ReferencedSOPInstanceUID = source.SOPInstanceUID
        definition.ReferencedROINumber = region.number
        made.append(segment(number, meaning, vocabulary))
        made[-1].DefinitionSourceSequence = [definition]
    return made


def _meaning(region: Region) -> Meaning:
    """What a structure set says; software by ROI Derivation Algorithm Identification (PS3.3 C.8.8.5)."""
    said = region.described
    label, software = str(said.get("ROIName") or f"ROI_{region.number}"), ("", "")
    for item in (said.get("ROIDerivationAlgorithmIdentificationSequence") or ())[:1]:
        software = str(item.get("AlgorithmName") or ""), str(item.get("AlgorithmVersion") or "")
    return Meaning(label, label, str(said.get("ROIGenerationAlgorithm") or ""), software)
