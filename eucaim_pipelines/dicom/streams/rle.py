"""RLE frames: their header, the order of their segments, and bytes that no sample is made of.

Read as PS3.5 Annex G says; runs are counted and not unpacked.
"""

from struct import error, pack, unpack_from

from eucaim_pipelines.dicom.streams.edits import Buffer, Found


def read(data: Buffer, area: int) -> Found:
    """Read one frame; it is written anew when its segments do not follow each other from byte 64 on.

    Parameters
    ----------
    area
        Rows times columns, the samples that each segment holds; 0 when that is not known: then a segment
        ends where the next one begins.

    Raises
    ------
    ValueError
        The header names no segments, or some that are not there.
    """
    try:
        count, *offsets = unpack_from("<16I", data)
    except error:
        raise ValueError from None
    if not 1 <= count <= 15 or min(offsets[:count]) < 64 or len(set(offsets[:count])) != count:
        raise ValueError
    used = sorted(offsets[:count])
    if used[-1] >= len(data):
        raise ValueError
    in_order = offsets[:count] == used and used[0] == 64 and not any(offsets[count:])
    if in_order and not area:
        return Found([], len(data))
    segments: dict[int, bytes] = {}
    for start, stop in zip(used, [*used[1:], len(data)], strict=True):
        segments[start] = _segment(bytes(data[start:stop]), area)
    starts, position = list[int](), 64
    for offset in offsets[:count]:
        starts.append(position)
        position += len(segments[offset])
    header = pack("<16I", count, *starts, *[0] * (15 - count))
    new = b"".join([header, *(segments[offset] for offset in offsets[:count])])
    return Found([] if new == data else [(0, len(data), new)], len(data))


def _segment(packed: bytes, area: int) -> bytes:
    """A segment as far as its samples, and the byte that makes its length even.

    A run that goes on behind the last sample is cut there: up to 127 bytes that no reader shows.
    """
    if not area:
        return packed
    position = samples = 0
    try:
        while samples < area:
            head = packed[position]
            if head < 128:
                if samples + head + 1 > area:
                    return _cut(packed, position, area - samples)
                samples += head + 1
                position += head + 2
            elif head > 128:
                samples += 257 - head
                position += 2
            else:
                position += 1
    except IndexError:
        position = len(packed)
    return packed if position >= len(packed) else packed[:position] + bytes(position % 2)


def _cut(packed: bytes, position: int, left: int) -> bytes:
    """A segment whose last literal run, at a position, is as long as the samples that are left."""
    new = packed[:position] + bytes([left - 1]) + packed[position + 1 : position + 1 + left]
    return new + bytes(len(new) % 2)
