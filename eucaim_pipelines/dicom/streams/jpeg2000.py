"""JPEG 2000 and HTJ2K code streams: comments go, in the main header and in those of tile parts.

Read as far as their markers (ISO 15444-1 Annex A, 15444-15); packets are never decoded.
"""

import re
from collections.abc import Callable

from eucaim_pipelines.dicom.streams.edits import Buffer, Edit, Found
from eucaim_pipelines.errors import Refusal

_SIZE, _TILE, _DATA, _END = 0x51, 0x90, 0x93, 0xD9
_TILE_LENGTHS, _PACKET_LENGTHS = 0x55, 0x58
_DISPENSABLE = frozenset({0x57, 0x63, 0x64})
"""Packet lengths of all tiles (PLM), registration of components (CRG), comment (COM)."""
_END_OF_STREAM = re.compile(rb"\xff\xd9")


def read(data: Buffer) -> Found:
    """Read one code stream; tile-part lengths are written anew where something goes out of a tile part.

    Lists of tile-part lengths (TLM) are corrected, or dropped where they say something else than the tile
    parts; so are lists of packet lengths (PLT). Both are optional to a decoder.

    Raises
    ------
    Refusal
        `PIXEL_STREAM_MARKER` for markers that are neither known nor certain to be dispensable (packed packet
        headers among them), `MALFORMED` for segments that are longer than what they hold.
    ValueError, IndexError
        The stream is none of its kind, or ends too early.
    """
    return _Reader(data).read()


class _Reader:
    def __init__(self, data: Buffer) -> None:
        self.data, self.position, self.edits = data, 2, list[Edit]()
        self.index_size, self.tile_lengths = 1, list[tuple[int, bytes]]()
        self.packet_lengths, self.tile_parts = list[tuple[int, bytes]](), list[tuple[int, int, int]]()

    def read(self) -> Found:
        if self.data[:4] != b"\xff\x4f\xff\x51":
            raise ValueError
        marker = self._header(until=_TILE)
        while marker == _TILE:
            self._tile_part()
            marker = self._marker()
        if marker != _END:
            raise ValueError
        self._correct_tile_lengths()
        return Found(sorted(self.edits), self.position)

    def _marker(self) -> int:
        if self.data[self.position] != 0xFF:
            raise ValueError
        self.position += 2
        return self.data[self.position - 1]

    def _content(self) -> bytes:
        length = int.from_bytes(self.data[self.position : self.position + 2], "big")
        content = bytes(self.data[self.position + 2 : self.position + length])
        if len(content) != length - 2:
            raise ValueError
        self.position += length
        return content

    def _header(self, until: int) -> int:
        """Read the segments of a header; position behind the marker that ends it."""
        while (marker := self._marker()) != until:
            start = self.position - 2
            content = self._content()
            if marker in _DISPENSABLE:
                self.edits.append((start, self.position, b""))
            elif marker == _SIZE:
                components = int.from_bytes(content[34:36], "big")
                self.index_size = 1 if components < 257 else 2
                if start != 2 or len(content) != 36 + 3 * components:
                    raise Refusal("MALFORMED")
            elif marker == _TILE_LENGTHS and until == _TILE:
                self.tile_lengths.append((start, content))
            elif marker == _PACKET_LENGTHS and until == _DATA:
                self.packet_lengths.append((start, content))
            elif marker not in _FITS:
                raise Refusal("PIXEL_STREAM_MARKER")
            elif not _FITS[marker](content, self.index_size):
                raise Refusal("MALFORMED")
        return marker

    def _tile_part(self) -> None:
        start, before = self.position - 2, len(self.edits)
        content = self._content()
        if len(content) != 8:
            raise Refusal("MALFORMED")
        stated = int.from_bytes(content[2:6], "big")
        self.packet_lengths = []
        self._header(until=_DATA)
        if stated:
            end = start + stated
        else:
            found = _END_OF_STREAM.search(self.data, self.position)
            end = found.start() if found else -1
        if not self.position <= end < len(self.data):
            raise ValueError
        if sum(_packet_bytes(content) for _, content in self.packet_lengths) != end - self.position:
            self.edits += [(at, at + 4 + len(content), b"") for at, content in self.packet_lengths]
        removed = sum(stop - at for at, stop, _ in self.edits[before:])
        if removed and stated:
            self.edits.append((start + 6, start + 10, (stated - removed).to_bytes(4, "big")))
        self.tile_parts.append((int.from_bytes(content[:2], "big"), end - start, end - start - removed))
        self.position = end

    def _correct_tile_lengths(self) -> None:
        """Write the lengths of tile parts that became shorter (TLM, ISO 15444-1 A.7.1)."""
        entries, new = list[tuple[int, int]](), list[Edit]()
        parts = iter(self.tile_parts)
        for at, content in sorted(self.tile_lengths, key=lambda each: each[1][:1]):
            tile_size, length_size = content[1] >> 4 & 3, 4 if content[1] & 0x40 else 2
            step, position = tile_size + length_size, 2
            while position + step <= len(content):
                tile = (
                    int.from_bytes(content[position : position + tile_size], "big")
                    if tile_size
                    else len(entries)
                )
                entries.append((tile, int.from_bytes(content[position + tile_size : position + step], "big")))
                _, old_length, length = next(parts, (0, 0, 0))
                if length != old_length:
                    place = at + 4 + position + tile_size
                    new.append((place, place + length_size, length.to_bytes(length_size, "big")))
                position += step
            if position != len(content) or content[1] & 0x8F:
                entries.append((-1, -1))
        if entries == [(tile, length) for tile, length, _ in self.tile_parts]:
            self.edits += new
        else:
            self.edits += [(at, at + 4 + len(content), b"") for at, content in self.tile_lengths]


def _packet_bytes(content: bytes) -> int:
    """Sum of the packet lengths of one list: 7 bits a byte, the highest bit says that more follow."""
    total = current = 0
    for byte in content[1:]:
        current = current << 7 | byte & 0x7F
        if byte < 0x80:
            total, current = total + current, 0
    return total if not current else -1


def _fits_style(content: bytes, index_size: int) -> bool:
    return len(content) >= 10 and len(content) == 10 + (content[0] & 1) * (content[5] + 1)


def _fits_component_style(content: bytes, index_size: int) -> bool:
    style = content[index_size:]
    return len(style) >= 6 and len(style) == 6 + (style[0] & 1) * (style[1] + 1)


def _fits_quantisation(content: bytes, index_size: int) -> bool:
    kind, length = content[0] & 0x1F, len(content) - 1
    return (length % 3 == 1, length == 2, length % 6 == 2)[kind] and length <= 194 if kind < 3 else False


def _fits_component_quantisation(content: bytes, index_size: int) -> bool:
    return len(content) > index_size and _fits_quantisation(content[index_size:], index_size)


def _fits_progression(content: bytes, index_size: int) -> bool:
    size = 5 + 2 * index_size
    changes = [content[at : at + size] for at in range(0, len(content), size)]
    return len(content) % size == 0 and all(
        each[0] <= 32 and each[index_size + 3] <= 33 and each[-1] <= 4 for each in changes
    )


def _fits_capabilities(content: bytes, index_size: int) -> bool:
    return len(content) == 4 + 2 * int.from_bytes(content[:4], "big").bit_count()


def _fits_profile(content: bytes, index_size: int) -> bool:
    return len(content) in (2, 4)


_FITS: dict[int, Callable[[bytes, int], bool]] = {
    0x50: _fits_capabilities,
    0x52: _fits_style,
    0x53: _fits_component_style,
    0x56: _fits_profile,
    0x59: _fits_profile,
    0x5C: _fits_quantisation,
    0x5D: _fits_component_quantisation,
    0x5E: lambda content, index_size: len(content) == index_size + 2,
    0x5F: _fits_progression,
}
"""Segments that decoding needs, and whether a content is what the standard says, with nothing behind it."""
