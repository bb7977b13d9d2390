"""Rectangles of pixels, as the search for text finds them and as they are blanked.

No picture is looked at here.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle of pixels; `right` and `bottom` lie just outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.right - self.left, self.bottom - self.top

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share a pixel."""
        beside = max(self.left, other.left) >= min(self.right, other.right)
        return not beside and max(self.top, other.top) < min(self.bottom, other.bottom)

    def quarters(self) -> list["Box"]:
        """Four parts that overlap by a fifth of the whole."""
        width, height = (int(0.6 * length) for length in self.size)
        lefts, tops = (self.left, self.right - width), (self.top, self.bottom - height)
        return [Box(left, top, left + width, top + height) for left in lefts for top in tops]


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of these; there must be one at least."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return Box(min(left), min(top), max(right), max(bottom))


def touching(boxes: Iterable[Box]) -> list[list[Box]]:
    """Boxes in groups, so that boxes of two groups never share a pixel."""
    groups: list[list[Box]] = []
    for box in boxes:
        joined = [group for group in groups if any(box.overlaps(other) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([box, *(other for group in joined for other in group)])
    return groups
