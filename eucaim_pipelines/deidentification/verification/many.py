"""Thousands of texts looked for in one long text at once, in time that hardly grows with their number.

Where few texts are looked for, `output` asks for each: that is faster, and needs no arrays.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_WINDOWS = (64, 32, 16, 8, 6)
_BLOCK = 1 << 20
_MIXED, _FOLDED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SLOT_BITS = 20
_SLOT_SHIFT = np.uint64(64 - _SLOT_BITS)

Keys = NDArray[np.uint64]


def positions(text: bytes, wanted: Iterable[bytes]) -> dict[bytes, list[int]]:
    """Where each wanted text begins, in ascending order; those that do not occur are left out.

    Texts are grouped by their first 6, 8, 16, 32 or 64 bytes. Each such window of the text becomes a number,
    and what stands behind those that are a group's is compared byte by byte (after Karp and Rabin 1987).

    Parameters
    ----------
    text
        What is searched.
    wanted
        Texts of six bytes or more.
    """
    groups: dict[int, dict[bytes, set[int]]] = {}
    sought = set(wanted)
    for each in sought:
        width = next(width for width in _WINDOWS if width <= len(each))
        groups.setdefault(width, {}).setdefault(each[:width], set()).add(len(each))
    found: dict[bytes, list[int]] = defaultdict(list)
    for width, lengths in groups.items():
        keys = np.sort(_keys(b"".join(lengths), width)[::width])
        slots = np.zeros(1 << _SLOT_BITS, np.bool_)
        slots[_slots(keys)] = True
        for start in range(0, len(text), _BLOCK):
            windows = _keys(text[start : start + _BLOCK + width - 1], width)
            likely = np.flatnonzero(slots[_slots(windows)])
            places = np.searchsorted(keys, windows[likely])
            likely = likely[keys[np.minimum(places, len(keys) - 1)] == windows[likely]]
            for position in (likely + start).tolist():
                for length in lengths.get(text[position : position + width], ()):
                    piece = text[position : position + length]
                    if piece in sought:
                        found[piece].append(position)
    return dict(found)


def _keys(text: bytes, width: int) -> Keys:
    """One number for each window of a text; up to 8 bytes the number is the bytes themselves."""
    if len(text) < width:
        return np.zeros(0, np.uint64)
    keys: Keys = np.frombuffer(text, np.uint8).astype(np.uint64)
    for covered in (1, 2):
        keys = keys[:-covered] | keys[covered:] << np.uint64(8 * covered)
    if width == 6:
        return keys[:-2] | keys[2:] << np.uint64(16)
    keys = keys[:-4] | keys[4:] << np.uint64(32)
    covered = 8
    while covered < width:
        keys = keys[:-covered] * _MIXED + keys[covered:] * _FOLDED
        covered *= 2
    return keys


def _slots(keys: Keys) -> Keys:
    return keys * _MIXED >> _SLOT_SHIFT
