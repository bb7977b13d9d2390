"""b-values, gradients, scale and SUV factors: readable in every output whose source had them.

The real files at hand hold no private b-value; real objects of each vendor get the numbers that others have.
"""

from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from eucaim_pipelines.deidentification.images import Subject
from eucaim_pipelines.dicom.values import quiet

from .numbers import VENDORS, Private, readable, with_private

pytestmark = pytest.mark.xdist_group("real files")
_PET = "1.2.840.10008.5.1.4.1.1.128"
_MAKERS = {"SIEMENS": "SIEMENS", "GEMS": "GE MEDICAL SYSTEMS", "Philips": "Philips Medical Systems, Inc."}


def test_numbers_of_real_objects_are_readable_afterwards(looked_at):
    for look in looked_at:
        for name, values in look.before.items():
            assert set(values) <= set(look.after.get(name, ())), name
    assert sum("RescaleSlope" in look.before for look in looked_at) > 80


@pytest.mark.parametrize("number", VENDORS, ids=lambda each: f"{each.creator} {each.element:02X}")
def test_a_private_number_of_each_vendor_is_readable_afterwards(number, released, deidentifier):
    ds = with_private(_object(released, number), (number,))
    before = readable(ds)
    assert number.quantity in before
    after = readable(_released(deidentifier, ds))
    assert set(before[number.quantity]) <= set(after.get(number.quantity, ()))


def test_private_numbers_are_readable_as_standard_attributes_too(released, deidentifier):
    numbers = tuple(each for each in VENDORS if each.creator == "SIEMENS MR HEADER")
    out = _released(deidentifier, with_private(_object(released, numbers[0]), numbers))
    assert out.DiffusionBValue == 800
    assert list(out.DiffusionGradientOrientation) == [0.6, -0.8, 0.0]


def test_standard_numbers_of_diffusion_and_pet_are_kept(released, deidentifier):
    ds = _object(released, VENDORS[-1])
    ds.DecayFactor, ds.DoseCalibrationFactor, ds.ScatterFractionFactor = "1.02", "1", "0.4"
    ds.PatientWeight = "71"
    tracer = Dataset()
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = "302000000", "6586.2"
    ds.RadiopharmaceuticalInformationSequence = [tracer]
    ds.DiffusionBValue, ds.DiffusionGradientOrientation = 1000.0, [0.0, 0.6, 0.8]
    before, after = readable(ds), readable(_released(deidentifier, ds))
    assert len(before) >= 9
    assert {name: set(values) for name, values in before.items()} == {
        name: set(values) for name, values in after.items()
    }


def _object(released, number: Private) -> Dataset:
    """A real object of the number's vendor without its private elements; for PET, made of a CT image."""
    pet = "PET" in number.creator
    maker = next(name for start, name in _MAKERS.items() if number.creator.startswith(start))
    wanted = ("CT", "GE MEDICAL SYSTEMS") if pet else ("MR", maker)
    data = next(
        data
        for data, row, _ in released
        if (row["Modality"], row["Manufacturer"]) == wanted
        and row["TransferSyntaxUID"] == ExplicitVRLittleEndian
    )
    with quiet():
        ds = pydicom.dcmread(BytesIO(data))
        ds.remove_private_tags()
    if pet:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = _PET
        ds.Modality, ds.Units, ds.Manufacturer = "PT", "CNTS", "Philips Medical Systems, Inc."
    return ds


def _released(deidentifier, ds: Dataset) -> Dataset:
    out = BytesIO()
    with quiet():
        ds.save_as(out)
        return pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(out.getvalue(), Subject("A")).data))
