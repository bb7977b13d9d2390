"""What a region says as a segment (PS3.3 C.8.20.2): label, method, and what it shows in public codes.

The label is the region's own, as released; where the pixels lie is no concern of this module.
"""

from collections import Counter
from collections.abc import Sequence
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


def describe(
    regions: Sequence[Region], source: Dataset, vocabulary: Vocabulary
) -> "list[SegmentDescription]":
    """One segment per region, numbered from 1, each with its ROI as source of its definition.

    Raises
    ------
    NotConvertibleError
        `NO_METHOD`, `NO_ALGORITHM`: EUCAIM's minimum metadata of annotations ask for both.
    """
    problems: Counter[tuple[int, Problem]] = Counter()
    for region in regions:
        method = _method(region)
        if method not in _METHODS:
            problems[region.number, Problem.NO_METHOD] += 1
        elif method != "MANUAL" and not _algorithm(region)[0]:
            problems[region.number, Problem.NO_ALGORITHM] += 1
    if problems:
        raise NotConvertibleError(problems)
    return [_segment(number, region, source, vocabulary) for number, region in enumerate(regions, start=1)]


def _segment(number: int, region: Region, source: Dataset, vocabulary: Vocabulary) -> "SegmentDescription":
    import highdicom as hd
    from pydicom.sr.codedict import codes

    label, method = str(region.described.get("ROIName") or f"ROI_{region.number}"), _method(region)
    identification = None
    if method != "MANUAL":
        name, version = _algorithm(region)
        identification = hd.AlgorithmIdentificationSequence(
            name=name, family=codes.DCM.ArtificialIntelligence, version=version or "UNKNOWN"
        )
    category, kind = property_codes(label, vocabulary)
    segment = hd.seg.SegmentDescription(number, label, category, kind, method, identification)
    segment.SegmentDescription = label
    definition = Dataset()
    definition.ReferencedSOPClassUID = source.SOPClassUID
    definition.ReferencedSOPInstanceUID = source.SOPInstanceUID
    definition.ReferencedROINumber = region.number
    segment.DefinitionSourceSequence = [definition]
    return segment


def _method(region: Region) -> str:
    return str(region.described.get("ROIGenerationAlgorithm") or "")


def _algorithm(region: Region) -> tuple[str, str]:
    """Name and version of the software, from ROI Derivation Algorithm Identification (PS3.3 C.8.8.5)."""
    for item in region.described.get("ROIDerivationAlgorithmIdentificationSequence") or ():
        return str(item.get("AlgorithmName") or ""), str(item.get("AlgorithmVersion") or "")
    return "", ""
