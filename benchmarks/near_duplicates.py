"""How well near-duplicate series are told from others, and what a sketch costs, on a folder of DICOM objects.

Each series of the folder is copied in several ways and compared with its own copies (how many are found),
with its neighbouring frames and with every other series (how many are found though they are no copies). The
peers are the parts of what EUCAIM's own tool is known to use: structural similarity, cosine and mean absolute
difference, over the same sketches. Prints a table and asserts nothing.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from eucaim_pipelines.deidentification.pixels.likeness import SIDE, details
from eucaim_pipelines.deidentification.pixels.sketches import sketches
from eucaim_pipelines.release.sketched import SAMPLED

THRESHOLDS = (0.9, 0.95, 0.98)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    series = _series(parser.parse_args().folder)
    sketched = {name: [_sketch(each) for each in some] for name, some in series.items()}
    sketched = {name: some for name, some in sketched.items() if all(map(any, some))}
    print(f"{len(sketched)} of {len(series)} series are compared; a sketch takes {_cost(series):.2f} ms")
    print(f"{'compared':34}" + "".join(f"{name:>26}" for name in METRICS))
    for label, pairs in _pairs(series, sketched):
        scores = {name: np.array([measure(*pair) for pair in pairs]) for name, measure in METRICS.items()}
        shares = {n: " ".join(f"{int((s >= t).sum()):>4}" for t in THRESHOLDS) for n, s in scores.items()}
        print(f"{label:26}{len(pairs):>8}" + "".join(f"{shares[name]:>26}" for name in METRICS))


def _series(folder: Path) -> dict[str, list[np.ndarray]]:
    found = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        try:
            ds = dcmread(path)
            if ds.Modality in ("CT", "MR", "MG", "DX", "PT") and min(ds.Rows, ds.Columns) >= 4 * SIDE:
                place = (int(ds.get("InstanceNumber") or 0), str(ds.SOPInstanceUID))
                found[str(ds.SeriesInstanceUID)].append((place, ds.pixel_array))
        except BaseException:  # noqa: BLE001, S112 - what cannot be read is no matter here
            continue
    return {
        name: _spread([pixels for _, pixels in sorted(some, key=lambda e: e[0])])
        for name, some in found.items()
    }


def _spread(frames: list[np.ndarray]) -> list[np.ndarray]:
    frames = [each for some in frames for each in (some if some.ndim == 3 else [some])]
    if len(frames) <= SAMPLED:
        return frames
    return [frames[(2 * n + 1) * len(frames) // (2 * SAMPLED)] for n in range(SAMPLED)]


def _file(pixels: np.ndarray, syntax: str | None = None) -> bytes:
    ds, out = Dataset(), BytesIO()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = *pixels.shape, 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    if syntax:
        ds.compress(syntax, encoding_plugin="pydicom")
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _sketch(pixels: np.ndarray, syntax: str | None = None) -> bytes:
    return sketches(_file(pixels, syntax), [0])[0] or b""


def _copies(pixels: np.ndarray) -> dict[str, bytes]:
    random, wide = np.random.default_rng(1), pixels.astype(np.float64)
    low, high = np.percentile(wide, (1, 99))
    eight = (wide - wide.min()) * (255 / max(np.ptp(wide), 1))

    def stored(values: np.ndarray) -> bytes:
        return _sketch(values.clip(-32768, 32767).astype(np.int16))

    return {
        "run-length encoded": _sketch(pixels, RLELossless),
        "rescaled": stored(wide * 0.5 + 100),
        "8 bits": _sketch(eight.astype(np.uint8)),
        "window of 1 to 99 %": stored(wide.clip(low, high)),
        "shifted by a pixel": stored(np.roll(wide, 1, axis=1)),
        "noise, 5 % of spread": stored(wide + random.normal(0, 0.05 * wide.std(), wide.shape)),
        "noise, 20 % of spread": stored(wide + random.normal(0, 0.2 * wide.std(), wide.shape)),
    }


Pair = tuple[list[bytes], list[bytes]]


def _pairs(
    series: dict[str, list[np.ndarray]], sketched: dict[str, list[bytes]]
) -> Iterator[tuple[str, list[Pair]]]:
    copies = defaultdict(list)
    for name, some in sketched.items():
        made = [_copies(pixels) for pixels in series[name]]
        for how in made[0]:
            copies[how].append((some, [each[how] for each in made]))
    yield from copies.items()
    yield (
        "neighbouring samples",
        [([a], [b]) for some in sketched.values() for a, b in pairwise(some)],
    )
    alike = [(a, b) for a, b in combinations(sketched.values(), 2) if len(a) == len(b)]
    yield "other series", alike


def _arrays(one: list[bytes], other: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.frombuffer(b"".join(x), np.uint8).reshape(len(x), -1) for x in (one, other))
    return first, second


def _details(one: list[bytes], other: list[bytes]) -> float:
    first, second = map(details, _arrays(one, other))
    return float(max((first * turned).sum(axis=1).min() for turned in (second, second[::-1])))


def _cosine(one: list[bytes], other: list[bytes]) -> float:
    first, second = (each.astype(float) for each in _arrays(one, other))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(((first * second).sum(axis=1) / lengths).min())


def _difference(one: list[bytes], other: list[bytes]) -> float:
    first, second = (each.astype(float) for each in _arrays(one, other))
    return float(1 - np.abs(first - second).mean(axis=1).max() / 255)


def _structure(one: list[bytes], other: list[bytes]) -> float:
    """Structural similarity of whole frames (Wang et al. 2004), with its usual constants."""
    a, b = (each.astype(float) for each in _arrays(one, other))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    means = a.mean(axis=1), b.mean(axis=1)
    shared = ((a - means[0][:, None]) * (b - means[1][:, None])).mean(axis=1)
    light = (2 * means[0] * means[1] + c1) / (means[0] ** 2 + means[1] ** 2 + c1)
    return float((light * (2 * shared + c2) / (a.var(axis=1) + b.var(axis=1) + c2)).min())


METRICS = {"details": _details, "structure": _structure, "cosine": _cosine, "1 - difference": _difference}


def _cost(series: dict[str, list[np.ndarray]]) -> float:
    largest = max((each for some in series.values() for each in some), key=lambda each: each.size)
    data, start = _file(largest), time.perf_counter()
    for _ in range(100):
        sketches(data, [0])
    return (time.perf_counter() - start) * 10


if __name__ == "__main__":
    main()
