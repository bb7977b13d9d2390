"""Clean Pixel Data (PS3.15 113101): text that stands in the pixels is blanked, and looked for again.

How text is found is said in `text`, how samples are read and written in `raster`. Which
objects are risky is decided from the header, in `dicom.inventory`; faces are no concern of this module.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification.pixels import extra
from eucaim_pipelines.errors import Refusal

CLEANER_VERSION = "1"
"""Raised whenever the code blanks otherwise than before."""
LOOKS = 3
"""How often the frames are looked at; what the last look can still read refuses the object."""


def available() -> bool:
    """Whether the extra `[ocr]` is installed, without which nothing can be cleaned."""
    return extra.available()


class PixelCleaner:
    """Blanks text in the pixels of one file after the other; can be pickled.

    Parameters
    ----------
    installed
        Whether the extra `[ocr]` is there; looked up by default.
    """

    def __init__(self, installed: bool | None = None) -> None:
        self.installed = available() if installed is None else installed

    @property
    def digest(self) -> str:
        """Names how pixels are cleaned here: other code, marks or recogniser make an object anew."""
        marks = (contracts.folder() / "deidentification/burned_in_allowed.csv").read_bytes()
        release = extra.release() if self.installed else "not installed"
        return sha256(f"{CLEANER_VERSION} {release} ".encode() + marks).hexdigest()

    def clean(self, data: bytes, row: Mapping[str, Any]) -> bytes:
        """The same file without text in its pixels, uncompressed; Burned In Annotation is NO.

        Outside the Sequence of Ultrasound Regions everything is blanked. Elsewhere each text that is found in
        the first, middle, last or maximum-projection frame is blanked in all frames, but marks of
        `burned_in_allowed.csv`; then the same frames are looked at again.

        Parameters
        ----------
        data
            A file that `examine` has read, of any allowed transfer syntax.
        row
            Its header row.

        Raises
        ------
        Refusal
            `BURNED_IN_RISK` without the extra, `PIXELS_UNREADABLE` when samples cannot be decoded or
            searched, `BURNED_IN_TEXT` when text can still be read afterwards.
        """
        if not self.installed:
            raise Refusal("BURNED_IN_RISK", header=row)
        try:
            return _cleaned(data)
        except Refusal as refusal:
            raise Refusal(refusal.reason, header=row) from None
        except Exception:  # noqa: BLE001 - whatever a library says may quote what it has read
            raise Refusal("PIXELS_UNREADABLE", header=row) from None


def _cleaned(data: bytes) -> bytes:
    # Imported here: workers that clean nothing must not load what decodes and finds text.
    from eucaim_pipelines.deidentification.pixels.raster import Raster
    from eucaim_pipelines.deidentification.pixels.text import find

    raster = Raster(data)
    if regions := raster.regions:
        raster.blank_outside(regions)
    for look in range(LOOKS):
        texts = [text for pictures in raster.searched() for text in find(pictures) if not text.may_stay]
        # What looks like text is blanked at the first look; the rims of what was blanked look like it too.
        unwanted = [text for text in texts if look == 0 or text.is_guessed]
        if look == LOOKS - 1 and any(text.is_read for text in unwanted):
            raise Refusal("BURNED_IN_TEXT")
        raster.blank(box for text in unwanted for box in text.boxes)
        if not unwanted:
            break
    return raster.encoded()
