"""Codes for what image headers spell out: modality, body part, manufacturer, procedure, description, segment.

The words come from the vocabularies and the source contract; tables are built elsewhere.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.dicom import sop_classes

IMAGE, SEGMENTATION = "image", "seg"


class ImagingCodes:
    """The vocabularies of images, extended by the spellings of one holder."""

    def __init__(self, source: SourceContract, vocabularies: Mapping[str, Vocabulary]) -> None:
        self._vocabularies = vocabularies
        self._body_parts = _folded_keys(source.imaging.body_parts)
        self._manufacturers = _folded_keys(source.imaging.manufacturers)
        self._procedures = _folded_keys(source.imaging.procedures)
        self._descriptions = _folded_keys(source.imaging.harmonised)
        self._body_part_when_missing = source.imaging.body_part_when_missing
        self._manufacturer_when_missing = source.imaging.manufacturer_when_missing

    def modality(self, text: str | None) -> str | None:
        """Concept below Imaging modality for a DICOM Modality."""
        return self._vocabularies["modality"].code(text)

    def body_part(self, text: str | None) -> str | None:
        """Concept for a spelling of BodyPartExamined; the holder's declaration when there is none."""
        if not text:
            return self._body_part_when_missing
        return self._body_parts.get(_folded(text)) or self._vocabularies["body_part"].code(text)

    def manufacturer(self, text: str | None) -> str | None:
        """Concept for a spelling of Manufacturer; a known name may stand within a longer one.

        The holder's declaration when there is none.
        """
        if not text:
            return self._manufacturer_when_missing
        return self._manufacturers.get(_folded(text)) or self._vocabularies["manufacturer"].code_within(text)

    def procedure(self, modality: str | None) -> str | None:
        """Procedure concept for a DICOM Modality."""
        if not modality:
            return None
        own = self._procedures.get(_folded(modality))
        return own or self._vocabularies["imaging_procedure"].code(modality)

    def description(self, text: str | None) -> str | None:
        """Concept for a released series description, by the holder's map or the words themselves."""
        if not text:
            return None
        return self._vocabularies["series_description"].code(self._descriptions.get(_folded(text), text))

    def description_label(self, code: str | None) -> str | None:
        """EUCAIM's own words for a series description."""
        return self._vocabularies["series_description"].labels.get(code or "")

    def segment(self, text: str | None) -> str | None:
        """Concept for a segment's label or coded property type (`SCT:…`)."""
        return self._vocabularies["segment_label"].code(text)

    def segmentation_method(self, text: str | None) -> str | None:
        """Concept for a Segment Algorithm Type."""
        return self._vocabularies["segmentation_method"].code(text)

    def images(self, instances: pa.Table) -> pa.Table:
        """Rows whose SOP class is one of images."""
        return of_kind(instances, IMAGE)


def of_kind(instances: pa.Table, kind: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of the inventory whose SOP class is of this kind, with all columns or those that are named."""
    classes = instances.column("SOPClassUID")
    wanted = [
        uid for uid in pc.unique(classes).to_pylist() if uid is not None and sop_classes.kind(uid) == kind
    ]
    chosen = pc.is_in(classes, pa.array(wanted, pa.string()))
    table = instances if columns is None else instances.select(list(columns))
    return table if pc.all(chosen).as_py() else table.filter(chosen)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _folded_keys(values: Mapping[str, str]) -> dict[str, str]:
    return {_folded(spelling): code for spelling, code in values.items()}
