"""Where the frames of a multi-frame object lie: numbers only, as compact lists over all its frames.

What they mean for a series is said in `cdm.geometry`; objects of one frame are none of this module's concern.
"""

from collections.abc import Callable, Iterable
from typing import Any

from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.values import items, numbers, text, whole_number

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_PLANE_POSITION, _POSITION = 0x00209113, 0x00200032
_PLANE_ORIENTATION, _ORIENTATION = 0x00209116, 0x00200037
_CONTENT, _STACK, _TEMPORAL = 0x00209111, 0x00209056, 0x00209128
_DETECTORS, _SLICES, _TIME_SLOTS, _SPACING = 0x00540022, 0x00540080, 0x00540070, 0x00180088


def frame_positions(ds: DataSet) -> dict[str, Any] | None:
    """Position, orientation, stack and temporal index of every frame; None when frames have no position.

    Read from the functional groups of enhanced objects (PS3.3 C.7.6.16.2.3, C.7.6.16.2.4, C.7.6.16.2.2), or
    from the slice vector of reconstructed nuclear medicine images (PS3.3 C.8.4.8, C.8.4.15).

    Returns
    -------
    dict
        `position`: three numbers per frame, mm; None thrice where a frame has none.
        `orientation`: six direction cosines for all frames, or six per frame.
        `stack`: per frame the ordinal of its Stack ID within the object; None when there is one stack.
        `temporal`: per frame its Temporal Position Index or Time Slot; None when there is none.
    """
    frames = items(ds, _PER_FRAME)
    if frames:
        return _of_functional_groups(frames, (items(ds, _SHARED) or [DataSet(ds.encoding, "")])[0])
    return _of_slice_vector(ds) if _SLICES in ds else None


def _of_functional_groups(frames: list[DataSet], shared: DataSet) -> dict[str, Any] | None:
    one = _plane(shared, _PLANE_POSITION, _POSITION, 3)
    positions = [_plane(frame, _PLANE_POSITION, _POSITION, 3) or one for frame in frames]
    if not any(positions):
        return None
    turned = _plane(shared, _PLANE_ORIENTATION, _ORIENTATION, 6)
    orientations = [_plane(frame, _PLANE_ORIENTATION, _ORIENTATION, 6) or turned for frame in frames]
    return {
        "position": _flat(positions, 3),
        "orientation": orientations[0] if _alike(orientations) else _flat(orientations, 6),
        "stack": _ordinals([_content(frame, _STACK, text) for frame in frames]),
        "temporal": _unless_empty([_content(frame, _TEMPORAL, whole_number) for frame in frames]),
    }


def _of_slice_vector(ds: DataSet) -> dict[str, Any] | None:
    detector = (items(ds, _DETECTORS) or [ds])[0]
    first, turned = _of_length(detector, _POSITION, 3), _of_length(detector, _ORIENTATION, 6)
    spacing, slices = numbers(ds, _SPACING), numbers(ds, _SLICES)
    if first is None or turned is None or not spacing or not slices:
        return None
    (a, b, c), (d, e, f) = turned[:3], turned[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    steps = [(number - 1) * spacing[0] for number in slices]
    return {
        "position": [start + step * n for step in steps for start, n in zip(first, normal, strict=True)],
        "orientation": turned,
        "stack": None,
        "temporal": [int(slot) for slot in numbers(ds, _TIME_SLOTS) or ()] or None,
    }


def _plane(group: DataSet, sequence: int, tag: int, length: int) -> list[float] | None:
    found = items(group, sequence)
    return _of_length(found[0], tag, length) if found else None


def _of_length(ds: DataSet, tag: int, length: int) -> list[float] | None:
    found = numbers(ds, tag)
    return found if found is not None and len(found) == length else None


def _content(frame: DataSet, tag: int, read: Callable[[DataSet, int], Any]) -> Any:
    found = items(frame, _CONTENT)
    return read(found[0], tag) if found else None


def _flat(values: Iterable[list[float] | None], length: int) -> list[float | None]:
    absent: list[float | None] = [None] * length
    return [number for value in values for number in (value or absent)]


def _alike(values: list[list[float] | None]) -> bool:
    return all(value == values[0] for value in values)


def _ordinals(values: list[str | None]) -> list[int] | None:
    """Stack IDs are text that a device wrote: only which frames share one goes on."""
    known = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return [known[value] for value in values] if len(known) > 1 else None


def _unless_empty(values: list[int | None]) -> list[int | None] | None:
    return values if any(value is not None for value in values) else None
