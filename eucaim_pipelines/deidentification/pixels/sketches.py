"""Sketches: what one frame shows, as 16 × 16 means of its pixels in 8 bits.

A sketch is a tiny picture of a patient and stays in the restricted zone. How sketches are compared is said in
`likeness`, which frames are sketched in `release.sketched`.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from eucaim_pipelines.deidentification.pixels.likeness import SIDE
from eucaim_pipelines.deidentification.pixels.raster import quiet, speechless

SMALLEST = 4 * SIDE
"""Fewer rows or columns have no sketch: a shift by one pixel would be another picture."""
_LARGEST = 2**28
"""Samples of one frame; a larger one has no sketch."""


def sketches(data: bytes, frames: Sequence[int]) -> list[bytes | None]:
    """One sketch per frame of a released file, `frames` being counted from 0 and ascending.

    Means lie between 0 (the darkest block of the frame) and 255 (the lightest), so that rescaling, other bit
    depths and MONOCHROME1 (PS3.3 C.7.6.3.1.2) change nothing. A frame of one value gives zeros. None where
    pixels cannot be decoded, are too few or too many, or are indices of a palette.
    """
    found: list[bytes | None] = []
    with quiet(), np.errstate(all="ignore"):
        try:
            found.extend(_sketches(data, frames))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException:  # noqa: BLE001, S110 - pylibjpeg raises beside Exception, and messages quote values
            pass
    return found + [None] * (len(frames) - len(found))


def _sketches(data: bytes, frames: Sequence[int]) -> Iterator[bytes | None]:
    ds = pydicom.dcmread(BytesIO(data))
    if not _can_be_sketched(ds):
        return
    dark = ds.PhotometricInterpretation != "MONOCHROME1"
    with speechless():
        for pixels in iter_pixels(ds, indices=list(frames), raw=True):
            yield _sketch(_light(pixels, str(ds.PhotometricInterpretation)), dark_is_low=dark)


def _can_be_sketched(ds: Dataset) -> bool:
    rows, columns = int(ds.Rows), int(ds.Columns)
    size = rows * columns * int(ds.SamplesPerPixel)
    return (
        min(rows, columns) >= SMALLEST and size <= _LARGEST and "PALETTE" not in ds.PhotometricInterpretation
    )


def _light(pixels: np.ndarray, photometric: str) -> np.ndarray:
    """How light each pixel is: the samples of grey images, luma of YBR ones, the mean of three colours."""
    values = pixels if pixels.dtype.kind == "f" else pixels.astype(np.float32)
    if values.ndim == 2:
        return values
    return values[..., 0] if photometric.startswith("YBR") else values.mean(axis=-1)


def _sketch(light: np.ndarray, *, dark_is_low: bool) -> bytes | None:
    means = _block_means(_block_means(light, 0), 1)
    low, high = float(means.min()), float(means.max())
    if not np.isfinite(high - low):
        return None
    scaled = np.rint((means - low) * (255 / (high - low))) if high > low else np.zeros_like(means)
    levels = scaled.astype(np.uint8)
    return (levels if dark_is_low or high == low else 255 - levels).tobytes()


def _block_means(values: np.ndarray, axis: int) -> np.ndarray:
    length = values.shape[axis]
    starts = np.arange(SIDE) * length // SIDE
    sizes = np.diff(np.append(starts, length))
    sums = np.add.reduceat(values, starts, axis=axis)
    return np.asarray(sums / (sizes[:, None] if axis == 0 else sizes))
