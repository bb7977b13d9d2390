"""Samples of one image file: decoded, blanked in place, written back uncompressed into the same file.

What must be blanked is said by `pixels`; every element that does not describe the samples stays as it was.
"""

import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import ExplicitVRLittleEndian

from eucaim_pipelines.deidentification.pixels.boxes import Box
from eucaim_pipelines.dicom import transfer_syntaxes
from eucaim_pipelines.errors import Refusal

UNREADABLE = "PIXELS_UNREADABLE"
LIMIT_BYTES = 2 * 1024**3
"""Decoded samples of one file; more is refused (an uncompressed value must stay below 4 GiB anyway)."""

_PIXELS = 0x7FE00010
_OFFSETS = (0x7FE00001, 0x7FE00002, 0x7FE00003)
_GREY = ("MONOCHROME1", "MONOCHROME2")


class Raster:
    """The samples of one file.

    Attributes
    ----------
    frames
        Stored values, (frames, rows, columns, samples per pixel); blanked in place.
    photometric
        Photometric Interpretation (PS3.3 C.7.6.3.1.2) of `frames`.
    """

    def __init__(self, data: bytes) -> None:
        """Decode every frame.

        Raises
        ------
        Refusal
            `PIXELS_UNREADABLE` when samples are no integers of 8, 16 or 32 bits, when there is no decoder for
            them, or the stream is broken.
        """
        with quiet(), np.errstate(all="ignore"):
            try:
                self._ds = pydicom.dcmread(BytesIO(data))
                self._read()
            except (KeyboardInterrupt, SystemExit, MemoryError):
                raise
            except BaseException:  # noqa: BLE001 - pylibjpeg raises beside Exception, and messages quote values
                raise Refusal(UNREADABLE) from None

    @property
    def regions(self) -> list[Box]:
        """Where an ultrasound image lies (PS3.3 C.8.5.5, Sequence of Ultrasound Regions); empty if unsaid."""
        _, rows, columns, _ = self.frames.shape
        found = []
        with quiet(), suppress(Exception):
            for item in self._ds.get("SequenceOfUltrasoundRegions") or []:
                left, top = int(item.RegionLocationMinX0), int(item.RegionLocationMinY0)
                right, bottom = int(item.RegionLocationMaxX1) + 1, int(item.RegionLocationMaxY1) + 1
                if 0 <= left < min(right, columns) and 0 <= top < min(bottom, rows):
                    found.append(Box(left, top, min(right, columns), min(bottom, rows)))
        return found

    def blank(self, boxes: Iterable[Box]) -> None:
        """Give the pixels of `boxes` the darkest value, in every frame."""
        dark = self._dark()
        for box in boxes:
            self.frames[:, box.top : box.bottom, box.left : box.right] = dark

    def blank_outside(self, boxes: Iterable[Box]) -> None:
        """Give all pixels but those of `boxes` the darkest value, in every frame."""
        outside = np.ones(self.frames.shape[1:3], bool)
        for box in boxes:
            outside[box.top : box.bottom, box.left : box.right] = False
        self.frames[:, outside] = self._dark()

    def shown(self, number: int) -> list[np.ndarray]:
        """A frame as a screen would show it, (rows, columns, 3), 8 bits: over the whole range of its values
        and, where few values reach far, over the range of most of them too."""
        return self._shown(self.frames[number])

    def projected(self) -> list[np.ndarray]:
        """The brightest value that each pixel has in any frame, as a screen would show it."""
        if self.photometric == "PALETTE COLOR":
            return [np.maximum.reduce([self.shown(number)[0] for number in range(len(self.frames))])]
        darkest = self.photometric == "MONOCHROME1"
        return self._shown(self.frames.min(axis=0) if darkest else self.frames.max(axis=0))

    def searched(self) -> Iterator[list[np.ndarray]]:
        """What is searched for text: first, middle and last frame and, of several, what shines up in any."""
        last = len(self.frames) - 1
        yield from (self.shown(number) for number in sorted({0, last // 2, last}))
        if last:
            yield self.projected()

    def encoded(self) -> bytes:
        """The file with these samples, uncompressed; Burned In Annotation is NO.

        What was compressed becomes Explicit VR Little Endian; the rest keeps its transfer syntax.
        """
        ds = self._ds
        with quiet(), BytesIO() as out:
            try:
                self._put(ds)
                ds.BurnedInAnnotation = "NO"
                pydicom.dcmwrite(out, ds, enforce_file_format=True)
            except Exception:  # noqa: BLE001 - pydicom's messages quote values
                raise Refusal(UNREADABLE) from None
            return out.getvalue()

    def _read(self) -> None:
        ds = self._ds
        self.photometric = str(ds.PhotometricInterpretation)
        self._size = (int(ds.get("NumberOfFrames") or 1), int(ds.Rows), int(ds.Columns))
        samples, bits = int(ds.SamplesPerPixel), int(ds.BitsAllocated)
        if bits not in (8, 16, 32) or self._size[0] * self._size[1] * self._size[2] * samples * bits // 8 > (
            LIMIT_BYTES
        ):
            raise Refusal(UNREADABLE)
        stream = transfer_syntaxes.stream(ds.file_meta.TransferSyntaxUID)
        self._native = stream == "native" and not self.photometric.endswith("422")
        self.frames = self._read_native(samples, bits) if self._native else self._decode()
        self._strip_unused_bits()

    def _read_native(self, samples: int, bits: int) -> np.ndarray:
        """Samples as they stand in the file, in an array that shares its memory with `_value`."""
        element: Any = self._ds.get_item(_PIXELS)
        order = "<" if self._ds.original_encoding[1] is not False else ">"
        kind = "i" if self._ds.PixelRepresentation and bits > 8 else "u"
        self._value = np.frombuffer(bytearray(element.value), np.uint8)
        self._swapped = order == ">" and bits == 8 and element.VR == "OW"
        if self._swapped:
            self._swap()
        frames, rows, columns = self._size
        length = frames * rows * columns * samples * bits // 8
        flat = self._value[:length].view(f"{order}{kind}{bits // 8}")
        if samples > 1 and self._ds.get("PlanarConfiguration") == 1:
            return flat.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
        return flat.reshape(frames, rows, columns, samples)

    def _swap(self) -> None:
        """Big endian words of two 8-bit samples each (PS3.5 8.1.2) to samples in their order, and back."""
        words = self._value.view("<u2")
        words.byteswap(inplace=True)

    def _decode(self) -> np.ndarray:
        decoder = get_decoder(self._ds.file_meta.TransferSyntaxUID)
        with speechless():
            decoded, meta = decoder.as_array(self._ds, raw=False)
        self.photometric = str(meta["photometric_interpretation"])
        samples = decoded.size // int(np.prod(self._size))
        frames = decoded.reshape(*self._size, samples)
        return frames.astype(frames.dtype.newbyteorder("<"), copy=not frames.flags.writeable)

    def _strip_unused_bits(self) -> None:
        """Clear what lies beside the stored bits: overlays of old were kept there (PS3.3-2004 C.9.2)."""
        stored, high = int(self._ds.BitsStored), int(self._ds.HighBit)
        bits = self.frames.dtype.itemsize * 8
        if self.photometric not in _GREY or not 0 < stored < bits or high != stored - 1:
            return
        unused = bits - stored
        if self.frames.dtype.kind == "u":
            self.frames &= np.array((1 << stored) - 1, self.frames.dtype)
        else:
            self.frames <<= np.array(unused, self.frames.dtype)
            self.frames >>= np.array(unused, self.frames.dtype)

    def _shown(self, frame: np.ndarray) -> list[np.ndarray]:
        if self.photometric == "PALETTE COLOR":
            colours = self._palette()
            return [colours[np.clip(frame[..., 0], 0, len(colours) - 1)]]
        if self.photometric == "RGB" and frame.dtype.itemsize == 1:
            return [frame]
        values = (frame if self.photometric == "RGB" else frame[..., :1]).astype(np.float32)
        low, high = float(values.min()), float(values.max())
        lights = [(low, high)]
        if frame.dtype.itemsize > 1:
            most = tuple(float(bound) for bound in np.percentile(values, (0.5, 99.5)))
            lights += [(most[0], most[1])] if most[1] - most[0] < 0.6 * (high - low) else []
        return [self._lit(values, *light) for light in lights]

    def _lit(self, values: np.ndarray, low: float, high: float) -> np.ndarray:
        scaled = np.clip((values - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)
        image = np.broadcast_to(scaled, (*values.shape[:2], 3))
        return 255 - image if self.photometric == "MONOCHROME1" else image

    def _palette(self) -> np.ndarray:
        """Colours of a palette as 8 bits, (entries, 3); index 0 is the first value that is mapped."""
        names = [f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")]
        sizes = [list(self._ds[f"{name[:-4]}Descriptor"].value) for name in names]
        if sizes[0][1]:
            raise Refusal(UNREADABLE)
        tables = []
        for name, (_, _, bits) in zip(names, sizes, strict=True):
            kind = "<u2" if bits == 16 or len(self._ds[name].value) >= 2 * (sizes[0][0] or 65536) else "u1"
            table = np.frombuffer(self._ds[name].value, kind)
            tables.append((table >> (8 if bits == 16 else 0)).astype(np.uint8))
        return np.stack(tables, axis=1)

    def _dark(self) -> Any:
        if self.photometric in _GREY:
            return self.frames.max() if self.photometric == "MONOCHROME1" else self.frames.min()
        if self.photometric == "PALETTE COLOR":
            return int(self._palette().sum(axis=1).argmin())
        return (0, 128, 128) if self.photometric.startswith("YBR") else 0

    def _put(self, ds: Dataset) -> None:
        if self._native:
            if self._swapped:
                self._swap()
            element: Any = ds.get_item(_PIXELS)
            ds[_PIXELS] = element._replace(value=self._value.tobytes())
            return
        value = np.ascontiguousarray(self.frames).tobytes()
        bits = self.frames.dtype.itemsize * 8
        for tag in _OFFSETS:
            ds.pop(tag, None)
        ds.add_new(_PIXELS, "OB" if bits == 8 else "OW", value + b"\0" * (len(value) % 2))
        ds.SamplesPerPixel, ds.PhotometricInterpretation = self.frames.shape[3], self.photometric
        if bits != ds.BitsAllocated:
            ds.BitsAllocated = bits
        if self.frames.shape[3] > 1:
            ds.PlanarConfiguration = 0
        if transfer_syntaxes.stream(ds.file_meta.TransferSyntaxUID) != "native":
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's messages, which quote values, out of logs and terminals."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings(action="ignore"):
        yield


@contextmanager
def speechless() -> Iterator[None]:
    """Send what decoders write past Python to the terminal, numbers of a stream among it, to nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
