"""What a reader of a compressed stream found: where the stream ends, and the bytes that may not stay in it.

The readers themselves are `jpeg`, `jpeg2000` and `rle`.
"""

from typing import NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | memoryview
Edit: TypeAlias = tuple[int, int, bytes]
"""Start and end of bytes in a stream, and what stands in their place."""


class Found(NamedTuple):
    """A stream as far as its markers.

    Attributes
    ----------
    edits
        What has to change, in the order of the stream.
    end
        Position behind the stream; only padding may stay behind it.
    """

    edits: list[Edit]
    end: int

    def applied(self, stream: Buffer) -> Buffer:
        """The stream without what may not stay, of even length; the same object when it was clean."""
        padding = stream[self.end :]
        if not self.edits and len(stream) % 2 == 0 and not bytes(padding).strip(b"\0"):
            return stream
        pieces: list[Buffer] = []
        position = 0
        for start, end, new in self.edits:
            pieces += [stream[position:start], new]
            position = end
        pieces.append(stream[position : self.end])
        return b"".join([*pieces, bytes(sum(map(len, pieces)) % 2)])
