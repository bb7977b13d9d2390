"""What can stand in the way of a conversion, by name; which check tells it is said by the table contracts.

A conversion is whole or it is none: of an annotation with a problem nothing is converted, nothing is guessed.
"""

from collections import Counter
from enum import StrEnum

from eucaim_pipelines.errors import EucaimError, Fault


class Problem(StrEnum):
    """Why an annotation cannot become a segmentation."""

    IMAGES_MISSING = "IMAGES_MISSING"
    """It refers to images that are not in the dataset."""
    OTHER_PATIENT = "OTHER_PATIENT"
    """It refers to images of another patient."""
    NO_COMMON_GRID = "NO_COMMON_GRID"
    """Its images are not single frames of one series with one size, orientation and spacing."""
    UNREADABLE = "UNREADABLE"
    """Contours or regions are not what the Standard asks for: too few points, not planar, no number."""
    NOTHING_DRAWN = "NOTHING_DRAWN"
    """No region has a contour; a label map holds background only."""
    NOT_CLOSED = "NOT_CLOSED"
    """A contour is a point or open: it encloses nothing (PS3.3 C.8.8.6.1)."""
    CROSSING = "CROSSING"
    """A contour crosses itself, or another one of its region: inside and outside are not defined."""
    OFF_SLICE = "OFF_SLICE"
    """A contour lies on none of its images, or not on the one that it names."""
    TOO_LARGE = "TOO_LARGE"
    """Its regions and images together have more pixels, or a contour more points, than can be converted."""
    NO_METHOD = "NO_METHOD"
    """A region or segment does not say whether it was drawn by hand or by software."""
    NO_ALGORITHM = "NO_ALGORITHM"
    """A region or segment was drawn by software whose name it does not say."""
    NO_LABEL = "NO_LABEL"
    """A segment has no label or no description."""
    NOT_DESCRIBED = "NOT_DESCRIBED"
    """A value of a label map is the number of no segment, or of several."""
    OTHER_GRID = "OTHER_GRID"
    """A label map does not lie on the grid of its images, or only where voxels would have to be resampled."""


class NotConvertibleError(EucaimError):
    """An annotation has problems; how often each one, by number of the region or segment (0: all of it)."""

    fault = Fault.DATA

    def __init__(self, problems: Counter[tuple[int, Problem]]) -> None:
        kinds = sorted({problem.value for _, problem in problems})
        super().__init__(f"An annotation cannot become a segmentation: {', '.join(kinds)}.")
        self.problems = problems

    @classmethod
    def of(cls, problem: Problem) -> "NotConvertibleError":
        """One problem of the whole object."""
        return cls(Counter({(0, problem): 1}))
