"""One digest per series for what its pixels show, so that the same images under other names are found.

The digests of single objects are keyed where the objects are made; nothing here reads a pixel.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import whole
from eucaim_pipelines.cdm.grouping import Groups

_DIGITS, _AT_ONCE = 64, 250_000
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def pixel_digests(series: Groups) -> pa.Array:
    """64 hex digits per series; null where no instance has pixels.

    Sum of the instances' digests, word by word modulo 2^64: equal for series with the same pixel contents,
    however their instances are ordered and called. As secret as what is added: HMACs after the crossing.
    """
    digests = whole(series.table.column("pixel_digest"))
    given = digests.is_valid().to_numpy(zero_copy_only=False)
    words = np.zeros((len(digests), _DIGITS // 8), np.uint64)
    for start in range(0, len(digests), _AT_ONCE):
        words[start : start + _AT_ONCE] = _words(digests.slice(start, _AT_ONCE))
    words[~given] = 0
    sums = np.stack([series.reduce(np.add, column) for column in words.T], axis=1)
    half = sums.shape[1] // 2
    known = series.reduce(np.logical_or, given)
    return pa.array(_hex(sums[:, :half] + _MIX * sums[:, half:]), mask=~known).cast(pa.string())


def _words(digests: pa.Array) -> np.ndarray:
    """The characters of each digest as unsigned words, shape (digests, 8)."""
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(digests, ""), _DIGITS, "0"), 0, _DIGITS)
    characters = np.frombuffer(padded.buffers()[2] or b"", np.uint8)[: len(padded) * _DIGITS]
    return characters.view("<u8").reshape(-1, _DIGITS // 8)


def _hex(words: np.ndarray) -> np.ndarray:
    octets = np.ascontiguousarray(words.astype(">u8")).view(np.uint8)
    digits = np.stack((_HEX[octets >> 4], _HEX[octets & 15]), axis=-1)
    return digits.reshape(-1).view(f"S{_DIGITS}")
