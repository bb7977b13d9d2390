"""Which series nearly show the same, by the sketches of their sampled frames.

Runs in the restricted zone, on sketches that stay there; what leaves is a number per group of series. How
alike two frames are is the correlation of their details: of each block, what differs from the mean of the
three by three blocks around it. Two series are as alike as the least alike of their frames, in either order.

Of 17 real CT, MR and DX series (`benchmarks/near_duplicates.py`; 0.95; the peers are what EUCAIM's own tool
is known to use, on the same sketches):

| pairs at least so alike, of | details | structural similarity | cosine | 1 - mean difference |
|---|---|---|---|---|
| re-encoded, rescaled, 8 bits, noise of 5 or 20 % of the spread: 85 copies | 85 | 85 | 85 | 85 |
| cut to a window of 1 to 99 % of the values: 17 copies | 16 | 16 | 17 | 17 |
| shifted by a pixel: 17 copies (the 4 missed have 64 pixels a side) | 13 | 14 | 15 | 17 |
| neighbouring samples of a series: 49 | 7 | 11 | 13 | 10 |
| other series: 35 | 7 | 7 | 7 | 7 |

Of the last 7 pairs one is a true copy; 6 are four acquisitions of one still phantom that differ in their
phase encoding alone: what is acquired again without any movement cannot be told from a copy.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

VERSION = 1
"""Raised whenever another sketch is made of the same pixels; older ones are then made anew."""
SIDE = 16
"""Rows and columns of a sketch."""
BANDS, BITS = 32, 24
"""Series of different patients are compared where they agree in all bits of a band; a bit says on which side
of a random plane their details lie. Of pairs alike at 0.95 this finds 92 %, at 0.97 99 %, at 0.99 all."""
NEIGHBOURS = 64
"""At most so many series that follow in a band are compared with each one, however many agree."""
_MARGIN = 0.05
"""Part of all bits by which two series may differ more than their likeness lets expect: four deviations."""
_AT_ONCE = 4096
_SEED = 20


class Sketched(NamedTuple):
    """A series and the sketches of its sampled frames in their order, each of SIDE × SIDE bytes."""

    series: str
    patient: str
    frames: Sequence[bytes]


def groups(sketched: Sequence[Sketched], at_least: float) -> dict[str, int]:
    """Number of the group of each series that is as alike as `at_least` to another one.

    Groups are numbered from 1 in the order of their first series; alike to alike is one group. Only series of
    equally many sampled frames are compared: within a patient each with each, between patients those that
    agree in a band. With n series that is O(n · BANDS · NEIGHBOURS) pairs, and O(m²) for a patient of m.
    Series whose frames are all of one value show nothing and are in no group.
    """
    found: list[tuple[str, str]] = []
    shown = sorted(each for each in sketched if any(map(any, each.frames)))
    for count in sorted({len(each.frames) for each in shown}):
        some = [each for each in shown if len(each.frames) == count]
        found += _pairs([each.series for each in some], some, at_least)
    return _numbered(found)


def details(frames: np.ndarray) -> np.ndarray:
    """Details of sketches, (…, SIDE * SIDE) of unit length; zeros where a frame is of one value."""
    pictures = frames.reshape(*frames.shape[:-1], SIDE, SIDE).astype(np.float32)
    edges = [(0, 0)] * (pictures.ndim - 2) + [(1, 1), (1, 1)]
    wide = np.pad(pictures, edges, mode="edge")
    around = sum(wide[..., i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)) / 9
    found = (pictures - around).reshape(*frames.shape)
    found -= found.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.asarray(np.divide(found, length, out=np.zeros_like(found), where=length > 1e-3))


def _pairs(names: Sequence[str], some: Sequence[Sketched], at_least: float) -> list[tuple[str, str]]:
    frames = np.frombuffer(b"".join(b"".join(each.frames) for each in some), np.uint8)
    frames = frames.reshape(len(some), -1, SIDE * SIDE)
    candidates = np.concatenate(
        [*_of_one_patient([each.patient for each in some]), *_of_one_band(frames, at_least)]
    )
    pairs = np.stack(np.divmod(np.unique(candidates), len(some)), axis=1)
    alike = []
    for start in range(0, len(pairs), _AT_ONCE):
        part = pairs[start : start + _AT_ONCE]
        alike.append(part[_likeness(frames[part[:, 0]], frames[part[:, 1]]) >= at_least])
    return [(names[a], names[b]) for a, b in np.concatenate(alike)] if alike else []


def _likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Per pair, the least correlation of its frames, (pairs, frames, SIDE * SIDE) each."""
    one, other = details(first), details(second)
    blank = ~one.any(axis=-1)
    orders = []
    for turned in (other, other[:, ::-1]):
        both_blank = blank & ~turned.any(axis=-1)
        orders.append((np.einsum("pfi,pfi->pf", one, turned) + both_blank).min(axis=1))
    return np.maximum(*orders)


def _of_one_patient(patients: Sequence[str]) -> Iterator[np.ndarray]:
    """Every pair of series of each patient, as first * series + second."""
    places: dict[str, list[int]] = {}
    for place, patient in enumerate(patients):
        places.setdefault(patient, []).append(place)
    for some in places.values():
        first, second = np.triu_indices(len(some), 1)
        own = np.array(some)
        yield own[first] * len(patients) + own[second]


def _of_one_band(frames: np.ndarray, at_least: float) -> Iterator[np.ndarray]:
    """Pairs that agree in all bits of a band, one of them in either order of its frames; numbered alike.

    Of them those that differ in so many bits of all bands that they cannot be as alike are left out.
    """
    count = len(frames)
    places = np.concatenate([np.arange(count)] * 2)
    sides = np.concatenate([_sides(frames), _sides(frames[:, ::-1])])
    packed = np.packbits(sides, axis=1).view(np.uint64)
    most = BANDS * BITS * (np.arccos(at_least) / np.pi + _MARGIN)
    for number in range(BANDS):
        band = sides[:, number * BITS : (number + 1) * BITS] @ (1 << np.arange(BITS))
        for a, b in _agreeing(band):
            near = np.bitwise_count(packed[a] ^ packed[b]).sum(axis=1) <= most
            one, other = places[a[near]], places[b[near]]
            first, second = np.minimum(one, other), np.maximum(one, other)
            yield np.unique((first * count + second)[first < second])


def _agreeing(band: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    order = np.argsort(band, kind="stable")
    for step in range(1, NEIGHBOURS + 1):
        agree = band[order[:-step]] == band[order[step:]]
        if not agree.any():
            return
        yield order[:-step][agree], order[step:][agree]


def _sides(frames: np.ndarray) -> np.ndarray:
    """On which side of each random plane the details of a series lie, (series, BANDS * BITS)."""
    count = frames.shape[1] * frames.shape[2]
    planes = np.random.default_rng(_SEED).standard_normal((count, BANDS * BITS), np.float32)
    found = np.empty((len(frames), BANDS * BITS), bool)
    for start in range(0, len(frames), _AT_ONCE):
        part = details(frames[start : start + _AT_ONCE])
        found[start : start + _AT_ONCE] = part.reshape(len(part), -1) @ planes > 0
    return found


def _numbered(pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    root: dict[str, str] = {}

    def top(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = name = root[root[name]]
        return name

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        root[high] = low
    numbers = {name: number for number, name in enumerate(sorted({top(each) for each in root}), 1)}
    return {name: numbers[top(name)] for name in sorted(root)}
