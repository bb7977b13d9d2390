"""Objects a second of the reference de-identification against dicognito, interleaved in one run.

Prints a table; asserts nothing about time.
"""

import time
import warnings
from collections.abc import Callable
from io import BytesIO

import numpy as np
from dicognito.anonymizer import Anonymizer
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.profile import Profile
from eucaim_pipelines.deidentification.pseudonyms import Pseudonyms, SiteKey

OBJECTS, ROUNDS, ROWS = 200, 3, 512
KEY = SiteKey(bytes(range(32)))


def ct_slice(number: int, series: str, study: str) -> bytes:
    """One CT slice of 0.5 MB."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid(
        entropy_srcs=[series, str(number)]
    )
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, study + ".1"
    ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientBirthDate = (
        "Bench^Mark",
        "B-0001234",
        "F",
        "19600412",
    )
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20250401"
    ds.StudyTime = ds.ContentTime = "101500"
    ds.Modality, ds.Manufacturer, ds.BodyPartExamined = "CT", "SIEMENS", "CHEST"
    ds.InstitutionName, ds.StationName, ds.AccessionNumber = "Benchmark hospital", "CT0815", "ACC-990011"
    ds.ReferringPhysicianName, ds.StudyID, ds.SeriesNumber = "Doctor^Some", "", 1
    ds.InstanceNumber, ds.ImageType = number, ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PixelSpacing, ds.SliceThickness = [0.7, 0.7], 2
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
    ds.Rows = ds.Columns = ROWS
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.PixelData = np.random.default_rng(number).integers(0, 4096, ROWS * ROWS, np.uint16).tobytes()
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def ours(objects: list[bytes]) -> None:
    """De-identify and verify."""
    pseudonyms = Pseudonyms(KEY)
    deidentifier = Deidentifier(Profile.load(), pseudonyms)
    subject = Subject(pseudonyms.patient("B-0001234", None, None))
    for data in objects:
        deidentifier.deidentify_verified(data, subject)


def peer(objects: list[bytes]) -> None:
    """Read, anonymise, write; nothing is verified."""
    anonymizer = Anonymizer(seed="benchmark")
    for data in objects:
        ds = dcmread(BytesIO(data))
        anonymizer.anonymize(ds)
        ds.save_as(BytesIO(), enforce_file_format=True)


def seconds(work: Callable[[list[bytes]], None], objects: list[bytes]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work(objects)
    return time.process_time() - start


def main() -> None:
    """Measure, and print objects a second and the ratio."""
    warnings.simplefilter("ignore")
    series, study = generate_uid(entropy_srcs=["series"]), generate_uid(entropy_srcs=["study"])
    objects = [ct_slice(number, series, study) for number in range(OBJECTS)]
    for work in (ours, peer):
        work(objects[:5])
    rounds = [(seconds(ours, objects), seconds(peer, objects)) for _ in range(ROUNDS)]
    best_ours, best_peer = (min(column) for column in zip(*rounds, strict=True))
    megabytes = len(objects[0]) / 1e6
    print(f"{OBJECTS} CT objects of {megabytes:.2f} MB, best of {ROUNDS} interleaved rounds, one process")
    print(f"  this project, verified   {OBJECTS / best_ours:7.0f} objects a CPU second")
    print(f"  dicognito, not verified  {OBJECTS / best_peer:7.0f} objects a CPU second")
    print(f"  ratio                    {best_peer / best_ours:7.2f}")


if __name__ == "__main__":
    main()
