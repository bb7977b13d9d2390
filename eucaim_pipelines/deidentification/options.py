"""What a source chooses of the de-identification (PS3.15 Table E.1-1, options) and adds to its vocabularies.

What an option does to an attribute is said in the profile's table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

DatePolicy = Literal["shift", "day_one", "remove"]
"""What a source may choose for the dates of its patients: whole weeks into the past, the first of the month,
or no date at all."""
PixelPolicy = Literal["quarantine", "clean"]
"""What becomes of images whose pixels may show text: held back, or cleaned and looked at again."""


class Options(NamedTuple):
    """The options of one source.

    Attributes
    ----------
    dates
        What becomes of the patient's own dates.
    patient_characteristics
        Whether age, sex, size and weight stay (113108).
    descriptors
        Whether descriptions that a pattern, list or map knows stay (113105); without it they are emptied.
    private_numbers
        Whether the private numbers of `private.csv` stay (113111).
    pixels
        What becomes of images that may show text (113101 where they were cleaned).
    """

    dates: DatePolicy = "shift"
    patient_characteristics: bool = True
    descriptors: bool = True
    private_numbers: bool = True
    pixels: PixelPolicy = "quarantine"


@dataclass(frozen=True)
class SourceMaps:
    """What a source contract adds to the vocabularies.

    Attributes
    ----------
    series_descriptions
        Description as received to description as released (series, study and protocol).
    manufacturers
        Further spellings that may be released.
    body_parts
        Further spellings of BodyPartExamined that may be released.
    segment_labels
        Name of a segment or region as received to its label as released.
    """

    series_descriptions: Mapping[str, str] = field(default_factory=dict)
    manufacturers: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()
    segment_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the content, the same for equal maps."""
        mappings = sorted(self.series_descriptions.items()), sorted(self.segment_labels.items())
        content = repr((*mappings, sorted(self.manufacturers), sorted(self.body_parts)))
        return sha256(content.encode()).hexdigest()
