"""Numbers that quantitative research needs and that vendors keep in private elements, as a reader finds them.

Written from the vendors' conformance statements and dcm2niix' notes, not from the project's own table.
"""

from typing import Any, NamedTuple

from pydicom import Dataset

from eucaim_pipelines.dicom.values import quiet

STANDARD = (
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "RescaleSlope",
    "RescaleIntercept",
    "RealWorldValueSlope",
    "RealWorldValueIntercept",
    "DoseCalibrationFactor",
    "DecayFactor",
    "ScatterFractionFactor",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
    "PatientWeight",
)


class Private(NamedTuple):
    """A number of a vendor: creator, group, element, what it is, and its VR and a plausible value."""

    creator: str
    group: int
    element: int
    quantity: str
    vr: str
    example: Any


VENDORS = (
    Private("SIEMENS MR HEADER", 0x0019, 0x0C, "b-value", "IS", "800"),
    Private("SIEMENS MR HEADER", 0x0019, 0x0E, "gradient", "FD", [0.6, -0.8, 0.0]),
    Private("GEMS_PARM_01", 0x0043, 0x39, "b-value", "IS", ["1000000700", "8", "0", "0"]),
    Private("Philips Imaging DD 001", 0x2001, 0x03, "b-value", "FL", 1000.0),
    Private("Philips MR Imaging DD 001", 0x2005, 0x0D, "scale intercept", "FL", 0.25),
    Private("Philips MR Imaging DD 001", 0x2005, 0x0E, "scale slope", "FL", 0.00390625),
    Private("Philips PET Private Group", 0x7053, 0x00, "SUV scale factor", "DS", "0.000412"),
    Private("Philips PET Private Group", 0x7053, 0x09, "activity scale factor", "DS", "1.37"),
)
"""GE adds 1e9 to the b-value in some releases."""
_GE_OFFSET = 1_000_000_000
_LARGEST_B_VALUE = 100_000


def readable(ds: Dataset) -> dict[str, list[tuple[float, ...]]]:
    """Every such number of an object by its name: standard ones by keyword, private ones by quantity.

    A b-value or gradient is found under one name wherever it stands.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    with quiet():
        for element in ds.iterall():
            if element.keyword in STANDARD and element.value not in (None, ""):
                found.setdefault(_name(element.keyword), []).append(_floats(element.value))
        for each in VENDORS:
            value = _private(ds, each)
            if value is not None:
                found.setdefault(each.quantity, []).append(value)
    return found


def _name(keyword: str) -> str:
    return {"DiffusionBValue": "b-value", "DiffusionGradientOrientation": "gradient"}.get(keyword, keyword)


def _private(ds: Dataset, each: Private) -> tuple[float, ...] | None:
    try:
        value = ds.private_block(each.group, each.creator)[each.element].value
        numbers = _floats(value)
    except (KeyError, ValueError, TypeError):
        return None
    if each.quantity == "b-value":
        numbers = (numbers[0] % _GE_OFFSET if each.creator == "GEMS_PARM_01" else numbers[0],)
        if not 0 <= numbers[0] <= _LARGEST_B_VALUE:
            return None
    return numbers


def _floats(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return tuple(float(number) for number in values)


def with_private(ds: Dataset, wanted: tuple[Private, ...]) -> Dataset:
    """The data set with these private numbers added."""
    for each in wanted:
        ds.private_block(each.group, each.creator, create=True).add_new(each.element, each.vr, each.example)
    return ds
