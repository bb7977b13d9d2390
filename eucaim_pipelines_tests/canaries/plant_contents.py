"""Values inside what images, segmentations, structure sets, annotations and slides are made of.

Reports and codes are planted in `plant_reports`; single attributes in `plant_table` and `plant_places`.
"""

from collections.abc import Iterator
from struct import pack

from eucaim_pipelines_tests.canaries.plant_kinds import Plan, planted_in_all_encodings
from eucaim_pipelines_tests.canaries.planting import Plant, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

REPORTS = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (22, 33, 34))
SLIDE, SEG, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.77.1.6", *(f"1.2.840.10008.5.1.4.1.1.66.{n}" for n in (4, 7))
STRUCTURES, ANNOTATIONS = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.91.1"
CT, ENHANCED_MR, MAP = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4.1", "30"))


def objects(tokens: Tokens) -> Iterator[Planted]:
    """Every kind in every encoding."""
    made: tuple[tuple[str, Plan], ...] = (
        *((SEG, _segments), (LABEL_MAP, _segments), (STRUCTURES, _structures), (ANNOTATIONS, _annotations)),
        *((SLIDE, _slide), (ENHANCED_MR, _frames), (MAP, _frames), (CT, _image)),
    )
    yield from planted_in_all_encodings(made, tokens)


def _segments(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for path in (
        *("SegmentLabel", "SegmentDescription", "SegmentAlgorithmName", "TrackingID", "TrackingUID"),
        *("SegmentedPropertyTypeCodeSequence.CodeMeaning", "AnatomicRegionSequence.CodeMeaning"),
        *(
            "SegmentationAlgorithmIdentificationSequence.AlgorithmName",
            "DefinitionSourceSequence.InstanceNumber",
        ),
        "SegmentationAlgorithmIdentificationSequence.AlgorithmParameters",
    ):
        planter.put_at(item, f"SegmentSequence.{path}", place, "segmentation")
    for path in (
        *("ContentLabel", "ContentDescription", "ContentCreatorName", "DeviceSerialNumber"),
        "ReferencedSeriesSequence.ReferencedInstanceSequence.ReferencedSOPInstanceUID",
        "ContentCreatorIdentificationCodeSequence.PersonIdentificationCodeSequence.CodeMeaning",
        "PerFrameFunctionalGroupsSequence.DerivationImageSequence.SourceImageSequence.ReferencedSOPInstanceUID",
        "DimensionOrganizationSequence.DimensionOrganizationUID",
    ):
        planter.put_at(item, path, place, "segmentation")


def _structures(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for path in (
        *(
            "StructureSetLabel",
            "StructureSetName",
            "StructureSetDescription",
            "StructureSetDate",
            "OperatorsName",
        ),
        *("StructureSetROISequence.ROIName", "StructureSetROISequence.ROIDescription", "ApprovalStatus"),
        *("StructureSetROISequence.ReferencedFrameOfReferenceUID", "ReviewerName", "ReviewDate"),
        *("RTROIObservationsSequence.ROIInterpreter", "RTROIObservationsSequence.ROIObservationLabel"),
        *(
            "RTROIObservationsSequence.ROIObservationDescription",
            "StructureSetROISequence.ROIGenerationDescription",
        ),
        "ReferencedFrameOfReferenceSequence.RTReferencedStudySequence.ReferencedSOPInstanceUID",
        "ReferencedFrameOfReferenceSequence.FrameOfReferenceRelationshipSequence.RelatedFrameOfReferenceUID",
        "ROIContourSequence.ContourSequence.ContourImageSequence.ReferencedSOPInstanceUID",
    ):
        planter.put_at(item, path, place, "structure set")


def _annotations(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for path in (
        *("ContentLabel", "ContentDescription", "AnnotationGroupSequence.AnnotationGroupLabel"),
        *("AnnotationGroupSequence.AnnotationGroupDescription", "AnnotationGroupSequence.AnnotationGroupUID"),
        "AnnotationGroupSequence.AnnotationPropertyTypeCodeSequence.CodeMeaning",
        "AnnotationGroupSequence.AnnotationGroupAlgorithmIdentificationSequence.AlgorithmName",
    ):
        planter.put_at(item, path, place, "annotation")


def _slide(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for path in (
        *("ContainerIdentifier", "LabelText", "BarcodeValue", "ImageComments", "AcquisitionDateTime"),
        *("SpecimenDescriptionSequence.SpecimenIdentifier", "SpecimenDescriptionSequence.SpecimenUID"),
        "SpecimenDescriptionSequence.SpecimenDetailedDescription",
        "SpecimenDescriptionSequence.SpecimenShortDescription",
        "SpecimenDescriptionSequence.SpecimenPreparationSequence."
        "SpecimenPreparationStepContentItemSequence.TextValue",
        *("OpticalPathSequence.OpticalPathIdentifier", "OpticalPathSequence.OpticalPathDescription"),
        "IssuerOfTheContainerIdentifierSequence.LocalNamespaceEntityID",
        "TotalPixelMatrixOriginSequence.PatientComments",
    ):
        planter.put_at(item, path, place, "slide")
    path_item = item[0x00480105].value[0]
    assert isinstance(path_item, dict)
    _colour_profile(planter, path_item, (0x00480105,))
    _colour_profile(planter, item, ())


def _colour_profile(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """An ICC profile with tokens in its description, copyright, maker, identity and behind its end."""
    tokens = [planter.tokens.text() for _ in range(5)]
    planter.plants += [Plant(token, "text", place, 0x00282000, "OB", "colour profile") for token in tokens]
    texts = [
        (name, b"text" + bytes(4) + token.encode() + b"\0") for name, token in zip(_ICC, tokens, strict=False)
    ]
    entries = [(b"rTRC", b"curv" + bytes(4) + pack(">I", 0)), *texts]
    start, table, body = 132 + 12 * len(entries), pack(">I", len(entries)), b""
    for name, data in entries:
        table += pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytearray(128)
    head[12:24], head[36:40] = b"mntrRGB XYZ ", b"acsp"
    head[84 : 84 + len(tokens[4])] = tokens[4].encode()
    data = bytes(head) + table + body
    profile = pack(">I", len(data)) + data[4:] + tokens[3].encode()
    item[0x00282000] = Element("OB", profile)


_ICC = (b"desc", b"cprt", b"dmnd")


def _frames(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for path in (
        *(
            "FrameComments",
            "FrameLabel",
            "FrameContentSequence.StackID",
            "FrameContentSequence.FrameComments",
        ),
        *(
            "FrameContentSequence.FrameAcquisitionDateTime",
            "ReferencedImageSequence.ReferencedSOPInstanceUID",
        ),
        *(
            "FrameAnatomySequence.AnatomicRegionSequence.CodeMeaning",
            "UnassignedSharedConvertedAttributesSequence",
        ),
        *("RealWorldValueMappingSequence.LUTLabel", "RealWorldValueMappingSequence.LUTExplanation"),
        *("MRReceiveCoilSequence.ReceiveCoilName", "MRReceiveCoilSequence.ReceiveCoilManufacturerName"),
    ):
        for above in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
            if not path.endswith("AttributesSequence"):
                planter.put_at(item, f"{above}.{path}", place, "functional groups")
    for path in ("DimensionDescriptionLabel", "DimensionIndexPrivateCreator", "DimensionOrganizationUID"):
        planter.put_at(item, f"DimensionIndexSequence.{path}", place, "functional groups")


def _image(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Icons, lookup tables and their explanations, requests, padding behind the pixels."""
    for path in (
        *(
            "ModalityLUTSequence.LUTExplanation",
            "VOILUTSequence.LUTExplanation",
            "WindowCenterWidthExplanation",
        ),
        *(
            "IconImageSequence.PixelData",
            "IconImageSequence.PatientID",
            "ModalityLUTSequence.ModalityLUTType",
        ),
        *(
            "PresentationLUTSequence.LUTExplanation",
            "RequestAttributesSequence.ScheduledProcedureStepDescription",
        ),
        *(
            "RequestAttributesSequence.RequestedProcedureID",
            "ReferencedPatientSequence.ReferencedSOPInstanceUID",
        ),
        *(
            "OriginalAttributesSequence.ModifiedAttributesSequence.PatientName",
            "OtherPatientIDsSequence.PatientID",
        ),
        *("OriginalAttributesSequence.SourceOfPreviousValues", "ContributingEquipmentSequence.StationName"),
        *("ContributingEquipmentSequence.InstitutionAddress", "DigitalSignaturesSequence.Signature"),
        *(
            "EncryptedAttributesSequence.EncryptedContent",
            "DataSetTrailingPadding",
            "MACParametersSequence.MACIDNumber",
        ),
        *(
            "DeidentificationMethod",
            "DeidentificationMethodCodeSequence.CodeMeaning",
            "InstitutionalDepartmentName",
        ),
        *(
            "SourceImageSequence.SpatialLocationsPreserved",
            "ConversionSourceAttributesSequence.ReferencedSOPInstanceUID",
        ),
    ):
        planter.put_at(item, path, place, "image")
