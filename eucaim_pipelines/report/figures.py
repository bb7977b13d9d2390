"""Tables that an edition shows, and the figures that are drawn from them.

How a figure is drawn is in `charts`; what a table may show, in `edition`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """A table as it is printed: all texts.

    Attributes
    ----------
    numbers
        Positions of columns that are set to the right.
    more
        What is said below of rows that were left out.
    figure
        The drawing of the same numbers (SVG), empty without one.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    more: str = ""
    figure: Markup = field(default_factory=Markup)


def numeric(columns: Sequence[str], texts: int = 1) -> frozenset[int]:
    """Positions of all columns after the first `texts`."""
    return frozenset(range(texts, len(columns)))
