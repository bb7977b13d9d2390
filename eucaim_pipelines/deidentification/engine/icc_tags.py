"""The values of the colour tags of an ICC profile, read as far as their types say and written anew.

Numbers only (ICC.1:2022 §10): of a value that holds anything else nothing stays. Profiles: `icc`.
"""

from collections.abc import Callable
from struct import error, pack, unpack_from

_TABLES = frozenset({b"mft1", b"mft2", b"mAB ", b"mBA "})
_TYPES: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt", b"bkpt", b"lumi"), frozenset({b"XYZ "})),
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"kTRC"), frozenset({b"curv", b"para"})),
    **dict.fromkeys((b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"gamt"), _TABLES),
    b"chad": frozenset({b"sf32"}),
}
"""The types that a tag may have (§9.2)."""
_PARAMETERS = (1, 3, 4, 5, 7)
_MOST = 0x1FFFFFFF
"""Largest number that is kept, 8192 in 65536ths: four letters would make a larger one."""
_CELLS_LIMIT = 4_000_000


def rewritten(name: bytes, value: bytes) -> bytes | None:
    """The value of a colour tag and nothing behind it; None for other tags and for what is no such value."""
    if value[:4] not in _TYPES.get(name, ()):
        return None
    try:
        return _WRITERS[value[:4]](value)
    except (error, ValueError, IndexError):
        return None


def _fixed(value: bytes, at: int, count: int) -> bytes:
    """Signed numbers in 65536ths, all of them within the limit."""
    numbers = unpack_from(f">{count}i", value, at)
    if any(abs(number) > _MOST for number in numbers):
        raise ValueError
    return pack(f">{count}i", *numbers)


def _xyz(value: bytes) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(value, 8, 3)


def _matrix(value: bytes) -> bytes:
    return b"sf32" + bytes(4) + _fixed(value, 8, 9)


def _curve(value: bytes) -> bytes:
    """Response of a channel: it only rises or only falls, which letters do not do for long."""
    (count,) = unpack_from(">I", value, 8)
    points = unpack_from(f">{count}H", value, 12) if count <= 65536 else ()
    if len(points) != count or list(points) not in (sorted(points), sorted(points, reverse=True)):
        raise ValueError
    return b"curv" + bytes(4) + pack(f">I{count}H", count, *points)


def _parametric_curve(value: bytes) -> bytes:
    (kind,) = unpack_from(">H", value, 8)
    return b"para" + bytes(4) + pack(">HH", kind, 0) + _fixed(value, 12, _PARAMETERS[kind])


def _table(value: bytes) -> bytes:
    """Matrix, input curves, grid and output curves of 8 or 16 bits (§10.10, §10.11)."""
    inputs, outputs, points = value[8:11]
    size, header, entries, ends = 1, value[:4] + bytes(4) + value[8:11] + b"\0", 256, 256
    start = 48
    if value[:4] == b"mft2":
        size, start = 2, 52
        entries, ends = unpack_from(">HH", value, 48)
    length = size * (inputs * entries + _cells([points] * inputs, outputs) + outputs * ends)
    counts = pack(">HH", entries, ends) if size == 2 else b""
    return header + _fixed(value, 12, 9) + counts + _exactly(value, start, length)


def _cells(points: list[int] | bytes, outputs: int) -> int:
    cells = outputs
    for each in points:
        cells *= each
    if not 0 < cells <= _CELLS_LIMIT or len(points) > 15:
        raise ValueError
    return cells


def _exactly(value: bytes, at: int, length: int) -> bytes:
    part = value[at : at + length]
    if len(part) != length:
        raise ValueError
    return part


def _staged_table(value: bytes) -> bytes:
    """Curves, matrix, grid and curves, each where an offset says (§10.12, §10.13)."""
    inputs, outputs = value[8], value[9]
    offsets = unpack_from(">5I", value, 12)
    counts = (outputs, 0, outputs, 0, inputs) if value[:4] == b"mAB " else (inputs, 0, inputs, 0, outputs)
    body, new = b"", []
    for stage, (offset, channels) in enumerate(zip(offsets, counts, strict=True)):
        new.append(32 + len(body) if offset else 0)
        if not offset:
            continue
        if stage == 1:
            body += _fixed(value, offset, 12)
        elif stage == 3:
            body += _grid(value, offset, inputs, outputs)
        else:
            body += _curves(value, offset, channels)
        body += bytes(-len(body) % 4)
    return value[:4] + bytes(4) + value[8:10] + bytes(2) + pack(">5I", *new) + body


def _grid(value: bytes, at: int, inputs: int, outputs: int) -> bytes:
    points, precision = value[at : at + inputs], value[at + 16]
    if precision not in (1, 2):
        raise ValueError
    cells = _exactly(value, at + 20, precision * _cells(points, outputs))
    return points + bytes(16 - inputs) + bytes((precision, 0, 0, 0)) + cells


def _curves(value: bytes, at: int, channels: int) -> bytes:
    found = b""
    for _ in range(channels):
        curve = rewritten(b"kTRC", value[at:])
        if curve is None:
            raise ValueError
        found += curve + bytes(-len(curve) % 4)
        at += len(curve) + -len(curve) % 4
    return found


_WRITERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"XYZ ": _xyz,
    b"sf32": _matrix,
    b"curv": _curve,
    b"para": _parametric_curve,
    b"mft1": _table,
    b"mft2": _table,
    b"mAB ": _staged_table,
    b"mBA ": _staged_table,
}
