"""Identifiers that keep their shape, such as accession numbers, by dicognito's element handler.

dicognito gives the shape, the holder's key the randomness; its `Anonymizer` never touches data.
"""

from collections.abc import Sequence

from dicognito.idanonymizer import IDAnonymizer
from dicognito.randomizer import Randomizer
from pydicom import Dataset
from pydicom.dataelem import DataElement

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom.values import quiet


class KeyedRandomizer(Randomizer):
    """dicognito's source of numbers with HMAC-SHA-256 under the holder's key in place of MD5."""

    def __init__(self, pseudonyms: Pseudonyms, purpose: str) -> None:
        super().__init__(seed="")
        self._pseudonyms, self._purpose = pseudonyms, purpose

    def to_int(self, original_value: str) -> int:
        """256 keyed bits for a value."""
        return int(self._pseudonyms.token(self._purpose, str(original_value), 64), 16)

    def get_ints_from_ranges(self, original_value: str, *suprema: int) -> Sequence[int]:
        """One number below each of the suprema."""
        return super().get_ints_from_ranges(original_value, *suprema)


def shaped_identifier(keyword: str, value: str, pseudonyms: Pseudonyms) -> str:
    """Twelve letters and digits in place of an identifier; equal identifiers of one attribute stay equal."""
    with quiet():
        element = DataElement(keyword, "LO", value.replace("\\", "/"))
        IDAnonymizer(KeyedRandomizer(pseudonyms, f"identifier {keyword}"), "", "", keyword)(
            Dataset(), element
        )
    return str(element.value)
