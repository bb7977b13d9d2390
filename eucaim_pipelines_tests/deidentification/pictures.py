"""Images with text drawn into their pixels, as files; and what a reader can still make out of them.

Used by the tests of this folder only. Drawing and reading share no code with what is tested.
"""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from .objects import to_bytes

US, US_FRAMES, MG = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("6.1", "3.1", "1.2"))
NAME, NUMBER = "KOWALSKA JADWIGA", "PL-77180423"


def speckle(rows: int = 240, columns: int = 320, seed: int = 1) -> np.ndarray:
    """Grey noise (uint8) below a dark banner, as an ultrasound screen is laid out."""
    noise = np.abs(np.random.default_rng(seed).normal(0, 22, (rows, columns))).clip(0, 110).astype(np.uint8)
    noise[:30] = 0
    return noise


def written(grey: np.ndarray, *texts: tuple[str, int, int], size: int = 14, level: int = 255) -> np.ndarray:
    """The picture (uint8) with texts at (left, top)."""
    image = Image.fromarray(grey)
    for text, left, top in texts:
        ImageDraw.Draw(image).text((left, top), text, fill=level, font=ImageFont.load_default(size))
    return np.asarray(image).copy()


def image(frames: np.ndarray, photometric: str = "MONOCHROME2", **changes: object) -> Dataset:
    """An ultrasound object of these stored values: (rows, columns), (frames, …) or with 3 samples last."""
    colour = frames.shape[-1] == 3
    several = frames.ndim == 4 or (frames.ndim == 3 and not colour)
    ds = Dataset()
    ds.SpecificCharacterSet, ds.Modality, ds.Manufacturer = "ISO_IR 192", "US", "SIEMENS"
    ds.SOPClassUID, ds.SOPInstanceUID = US_FRAMES if several else US, "1.2.826.0.1.3680043.78.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.3680043.78.2", "1.2.826.0.1.3680043.78.3"
    ds.PatientName, ds.PatientID = NAME.replace(" ", "^"), NUMBER
    ds.PatientBirthDate, ds.PatientSex, ds.StudyDate = "19630207", "F", "20210409"
    if several:
        ds.NumberOfFrames = len(frames)
    ds.Rows, ds.Columns = frames.shape[1:3] if several else frames.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 3 if colour else 1, photometric
    if colour:
        ds.PlanarConfiguration = 0
    bits = frames.dtype.itemsize * 8
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit, ds.PixelRepresentation = bits - 1, int(frames.dtype.kind == "i")
    ds.PixelData = frames.tobytes()
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def region(left: int, top: int, right: int, bottom: int) -> Sequence:
    """Sequence of Ultrasound Regions of one region; the corners belong to it (PS3.3 C.8.5.5.1)."""
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    return Sequence([item])


def compressed(ds: Dataset, syntax: str, kind: str, **options: object) -> bytes:
    """The object as a file whose frames Pillow has compressed."""
    pixels = np.frombuffer(ds.PixelData, np.uint8).reshape(
        ds.get("NumberOfFrames", 1), ds.Rows, ds.Columns, -1
    )
    streams = []
    for frame in pixels:
        out = BytesIO()
        Image.fromarray(frame.squeeze()).save(out, kind, **options)
        streams.append(out.getvalue())
    ds.PixelData = encapsulate(streams)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return to_bytes(ds, syntax)


def stored(data: bytes) -> np.ndarray:
    """Stored values of an uncompressed file, (frames, rows, columns, samples)."""
    ds = dcmread(BytesIO(data))
    assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    kind = ("i" if ds.PixelRepresentation else "u") + str(ds.BitsAllocated // 8)
    values = np.frombuffer(ds.PixelData, f"<{kind}")
    samples = ds.SamplesPerPixel
    return values[: len(values) // samples * samples].reshape(-1, ds.Rows, ds.Columns, samples)


def read(picture: np.ndarray) -> str:
    """What a recogniser reads in a picture (rows, columns, samples), in capitals without spaces."""
    low, high = picture.min(), np.percentile(picture, 99.9)  # a few hot pixels do not count
    values = (picture.astype(np.float64) - low) * 255 / max(high - low, 1)
    image = np.repeat(values.clip(0, 255).astype(np.uint8), 3 // picture.shape[2], axis=2)
    texts: list[str] = []
    for factor in (1, 2):
        bigger = np.ascontiguousarray(image.repeat(factor, axis=0).repeat(factor, axis=1))
        texts += _reader()(bigger, use_cls=False).txts or ()
    return " ".join(texts).upper().replace(" ", "")


@cache
def _reader() -> object:
    from rapidocr import RapidOCR

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    return RapidOCR(params=threads | {"Global.log_level": "critical", "Det.limit_side_len": 32})
