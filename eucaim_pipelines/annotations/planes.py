"""The plane of an image in the patient's space (PS3.3 C.7.6.2.1.1), and a point of space on it.

Which image a contour belongs to is decided in `structure_sets`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_PARALLEL = 1e-4


@dataclass(frozen=True)
class Plane:
    """One single-frame image.

    Attributes
    ----------
    frame
        Frame of Reference UID.
    origin
        Centre of the first pixel, 3 coordinates in mm.
    along_row, along_column
        Unit vectors in the direction of growing columns and of growing rows.
    spacing
        Between rows and between columns, in mm.
    shape
        Rows and columns.
    """

    uid: str
    series: str
    frame: str | None
    origin: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Plane | None":
        """The plane that a row of the header inventory describes; None where it has none, or several."""
        position, orientation = row["ImagePositionPatient"], row["ImageOrientationPatient"]
        spacing, shape = row["PixelSpacing"], (row["Rows"], row["Columns"])
        counts = [len(each or ()) for each in (position, orientation, spacing)]
        if counts != [3, 6, 2] or not all(shape) or (row["NumberOfFrames"] or 1) != 1:
            return None
        along_row, along_column = np.array(orientation[:3]), np.array(orientation[3:])
        lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
        if min(*lengths, *spacing) <= 0 or not np.all(np.isfinite([*position, *orientation, *spacing])):
            return None
        return cls(
            row["SOPInstanceUID"],
            row["SeriesInstanceUID"],
            row["FrameOfReferenceUID"],
            np.array(position),
            along_row / lengths[0],
            along_column / lengths[1],
            (spacing[0], spacing[1]),
            shape,
        )

    @property
    def normal(self) -> np.ndarray:
        """Unit vector across the plane."""
        across = np.cross(self.along_row, self.along_column)
        return np.asarray(across / np.linalg.norm(across))

    def depth(self) -> float:
        """Where the plane lies along its own normal, in mm."""
        return float(self.origin @ self.normal)

    def on_grid_of(self, other: "Plane") -> bool:
        """Whether both have one series, frame of reference, size, orientation and spacing: can be stacked."""
        return (
            (self.series, self.frame, self.shape) == (other.series, other.frame, other.shape)
            and bool(np.allclose(self.along_row, other.along_row, atol=_PARALLEL))
            and bool(np.allclose(self.along_column, other.along_column, atol=_PARALLEL))
            and bool(np.allclose(self.spacing, other.spacing, rtol=_PARALLEL))
        )

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Points of space (n × 3, mm) as (column, row) of this image, projected along the normal."""
        away = points - self.origin
        return np.stack(
            (away @ self.along_row / self.spacing[1], away @ self.along_column / self.spacing[0]), 1
        )

    def off(self, points: np.ndarray) -> float:
        """Largest distance of a point of space (n × 3, mm) from the plane, in mm."""
        return float(np.max(np.abs((points - self.origin) @ self.normal)))
