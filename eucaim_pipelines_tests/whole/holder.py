"""A data holder that the project does not know: a few CT images, one table, one source contract in YAML.

Everything is invented; images are 8 x 8 pixels.
"""

from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from eucaim_pipelines_tests.whole.sites import Site

DATASET = "harbour_ct"
ROOT = "1.2.826.0.1.3680043.10.1429"
FIRST, SECOND = "2026-01-31T20:00:00+00:00", "2026-02-28T20:00:00+00:00"
CONTRACT = """\
dataset_id: harbour_ct
tier: 3
catalogue:
  title: Harbour CT
  description: Invented CT images of a holder that the project does not know.
  keywords: [test data]
  contact: {name: Desk, email: desk@harbour.example.org, url: https://harbour.example.org/desk}
  publisher: {name: Harbour, type: hospital, contact_email: office@harbour.example.org}
  access_rights: RESTRICTED
  access_conditions: [IN_SITU_PROCESSING]
  data_use_conditions: [GENERAL_RESEARCH_USE]
  access_url: https://harbour.example.org/access
  legislation: [http://data.europa.eu/eli/reg/2025/327/oj]
  health_categories: [EHRS]
  types: [SPEC1000018]
  condition: CLIN1000065
  collection_methods: [SPEC1000006]
  provenance: Invented for a test.
  health_data_access_body: null
imaging:
  body_part_when_missing: BP1000067
clinical:
  - name: people
    files: "people*.csv"
    delivery: snapshot
    format: csv
    encoding: utf-8
    key: [patient]
    columns:
      id: {field: patient, is: patient_id}
      name: {is: identity}
      sex: {field: sex, is: code, vocabulary: birth_sex, values: {f: COM1001370, m: COM1001366}}
      group: {field: population, is: code, vocabulary: population, values: {cancer: COM1001087}}
      found: {field: diagnosis_date, is: date, format: "%Y-%m-%d"}
      age: {field: age_at_diagnosis, is: age}
      what: {field: diagnosis, is: code, vocabulary: cancer_condition, values: {lung: CLIN1000065}}
    tables:
      - table: patient
        fields: {patient_birth_sex: sex, patient_diagnostic_category: population}
      - table: cancer_condition
        when: diagnosis_date
        fields:
          cancer_condition_code: diagnosis
          cancer_condition_asserted_date: diagnosis_date
          cancer_condition_age_at_diagnosis: age_at_diagnosis
          cancer_condition_age_unit: {constant: COM1000151}
          cancer_condition_type: {constant: COM1000017}
          cancer_condition_topography: {constant: BP1000192}
linkage:
  diagnosis_date: people.diagnosis_date
risk: {at_least: 1, why: Twelve invented people.}
"""


def write_contract(folder: Path, dataset: str = DATASET) -> Path:
    """The source contract in a folder of contracts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dataset}.yaml"
    path.write_text(CONTRACT.replace(DATASET, dataset), encoding="utf-8")
    return path


def make_site(folder: Path) -> Site:
    """A site whose only source contract is the holder's."""
    write_contract(folder / "sources")
    return Site.make(folder, sources="sources")


def files(patients: int, first: int = 0) -> dict[str, bytes]:
    """An export: two images of each person, and the table of them all."""
    numbers = range(first, first + patients)
    found = {f"images/{n}-{k}.dcm": image(n, k) for n in numbers for k in (1, 2)}
    return found | {"people.csv": people(first + patients)}


def people(patients: int) -> bytes:
    """The table, one row a person."""
    rows = [
        f"HC-77{n:04d},Somebody Nobodyson {n},f,cancer,2025-03-{n + 1:02d},{50 + n}.5,lung"
        for n in range(patients)
    ]
    return "\n".join(["id,name,sex,group,found,age,what", *rows, ""]).encode()


def image(patient: int, number: int, brightness: int = 1) -> bytes:
    """One CT slice; another brightness is other content for the same SOPInstanceUID."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    uid = f"{ROOT}.{patient + 1}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid, f"{uid}.1"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = UID(f"{uid}.1.{number}")
    ds.FrameOfReferenceUID = f"{uid}.9"
    ds.PatientID, ds.PatientName = f"HC-77{patient:04d}", f"Nobodyson^Somebody {patient}"
    ds.PatientSex, ds.PatientBirthDate = "F", f"19{70 - patient:02d}0412"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "SIEMENS", "Sensation 16"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = f"202504{patient + 1:02d}"
    ds.StudyTime = ds.ContentTime = "101500"
    ds.SeriesNumber, ds.InstanceNumber, ds.StudyID, ds.AccessionNumber = 1, number, "", ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PixelSpacing, ds.SliceThickness = [1, 1], 2
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
    ds.Rows = ds.Columns = 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.PixelData = bytes([patient + 1, 0, number, 0, brightness, 0, 0, 0]) * 16
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
