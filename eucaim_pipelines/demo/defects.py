"""The planted defects that are the same in every dataset: what exports hold besides good objects.

Tier defects and defects of clinical rows belong to the datasets' own modules.
"""

import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import UID

from eucaim_pipelines.demo.encoding import encode
from eucaim_pipelines.demo.objects import Hospital, Series
from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan, Export, Made

THUMBNAILS = bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 504  # head of an OLE file, as Windows leaves it


def pdf_report(person: Person) -> bytes:
    """A one-page PDF that names the patient."""
    text = f"BT /F1 12 Tf 40 780 Td ({person.name.given} {person.name.family} {person.patient_id}) Tj ET"
    stream = text.encode("latin-1", "replace")
    return b"%%PDF-1.4\n1 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n%%%%EOF\n" % (
        len(stream),
        stream,
    )


def dicomdir(hospital: Hospital, objects: list[Made]) -> bytes:
    """Return the DICOMDIR of a CD that holds `objects`, with patient names in its records (PS3.10 8)."""
    files = FileSet()
    files.UID = UID(hospital.seeds.uid("1.2.276.0.7230010.3.1.4", "dicomdir"))
    for made in objects:
        files.add(dcmread(BytesIO(made.data)))
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder))
        return (Path(folder) / "DICOMDIR").read_bytes()


def truncated(made: Made) -> bytes:
    """Return the object without its last third: the pixel data ends too early."""
    return made.data[: len(made.data) * 2 // 3]


def _without(hospital: Hospital, series: Series, keyword: str, number: int, reason: str) -> Made:
    kept = series.common[keyword]
    ds = series.common
    ds.SOPInstanceUID = hospital.seeds.uid(series.equipment.uid_root, "without", keyword, series.uid)
    ds.InstanceNumber = number
    del ds[keyword]
    data = encode(ds, series.syntax, hospital.application_entity)
    modality = ds.get("Modality", "")
    ds[keyword] = kept
    uid, study, person = ds.SOPInstanceUID, series.study, series.study.person
    return Made(data, uid, series.uid, study.uid, person.patient_id, modality, reason=reason)


def without_series_uid(hospital: Hospital, series: Series) -> Made:
    """Return one more object of a series, without SeriesInstanceUID."""
    return _without(hospital, series, "SeriesInstanceUID", 901, "MISSING_UID")


def without_modality(hospital: Hospital, series: Series) -> Made:
    """Return one more object of a series, without Modality."""
    return _without(hospital, series, "Modality", 902, "MISSING_MODALITY")


def conflicting(hospital: Hospital, series: Series) -> Made:
    """Return other content for the last instance of a series: its pixels are changed."""
    return altered(hospital, series, len(series.made), version=2)


def altered(hospital: Hospital, series: Series, number: int, version: int) -> Made:
    """Return instance `number` (from 1) of a series with other content under the same SOPInstanceUID.

    One sample is changed and a comment added, as when somebody corrects an image after the fact. The series'
    pixels must be uncompressed.
    """
    made = series.made[number - 1]
    ds = dcmread(BytesIO(made.data))
    pixels = bytearray(ds.PixelData)
    pixels[len(pixels) // 2] ^= 1
    ds.PixelData = bytes(pixels)
    ds.ImageComments = f"Rev. {series.study.person.name.family}"
    syntax = ds.file_meta.TransferSyntaxUID
    data = encode(ds, syntax, hospital.application_entity)
    return Made(data, made.sop_uid, made.series_uid, made.study_uid, made.patient_id, made.modality, version)


def of_somebody_else(hospital: Hospital, series: Series, person: Person) -> None:
    """Give the header of a series, from now on, another person's identity: a mixed-up worklist."""
    ds: Dataset = series.common
    ds.SpecificCharacterSet = "ISO_IR 192"
    _encode_names_anew(ds)
    ds.PatientName, ds.PatientID, ds.PatientSex = person.dicom_name, person.patient_id, person.sex
    ds.PatientBirthDate = f"{person.birth:%Y%m%d}"


def _encode_names_anew(ds: Dataset) -> None:
    """Drop what pydicom remembers of names once written, so that they follow a changed character set."""
    for element in ds:
        if element.VR == "PN":
            element.value = str(element.value)
        elif element.VR == "SQ":
            for item in element.value:
                _encode_names_anew(item)


@dataclass(frozen=True)
class Misfits:
    """What the common defects are made from; the first four series exist for that purpose only.

    `mixed` already holds two people's objects; `cut` holds one object that is delivered incomplete.
    """

    conflict: Series
    mixed: Series
    cut: Series
    nameless: Series
    unlabelled: Series
    on_disc: list[Made]
    reported: Person
    unfinished: list[Made]


def plant(
    plan: DatasetPlan,
    hospital: Hospital,
    misfits: Misfits,
    *,
    folder: str,
    report: str,
    note: tuple[str, bytes],
) -> None:
    """Plant what every dataset has: conflict, mixed-up series, damaged and foreign files, unfinished export.

    `folder` is where the holder keeps what it could not sort, `report` the path of a PDF, `note` a text file.
    """
    disc, archive, tape = plan.exports
    contents = [*misfits.conflict.made, conflicting(hospital, misfits.conflict)]
    for number, made in enumerate(contents, start=1):
        disc.add_object(f"{folder}/K{number:05d}", made)
    for number, made in enumerate(misfits.mixed.made, start=1):
        archive.add_object(f"IMAGES/MX{number:06d}.dcm", made)
    whole = misfits.cut.made[0]
    plan.identify(whole.sop_uid, whole.series_uid)
    disc.add_other(f"{folder}/C00001", truncated(whole), "TRUNCATED")
    disc.add_object(f"{folder}/S00001", without_series_uid(hospital, misfits.nameless))
    archive.add_object("IMAGES/MD000001.dcm", without_modality(hospital, misfits.unlabelled))
    disc.add_other("DICOMDIR", dicomdir(hospital, misfits.on_disc), "DICOMDIR")
    disc.add_other("DICOM/Thumbs.db", THUMBNAILS, "NOT_DICOM")
    archive.add_other(report, pdf_report(misfits.reported), "NOT_DICOM")
    tape.add_other(*note, "NOT_DICOM")
    disc.add_link("DICOM/LAST", disc.files[0].path.removeprefix("DICOM/"))
    plan.exports.append(unfinished(misfits.unfinished, "2026-04"))


def unfinished(made: list[Made], day: str) -> Export:
    """An export that is still being written: no marker lies beside it, so nobody may touch it."""
    export = Export(day, None)
    for number, item in enumerate(made, start=1):
        export.add_object(f"IM{number:06d}", item)
    return export
