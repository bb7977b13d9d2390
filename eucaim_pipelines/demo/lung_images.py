"""Images of demo_lung_ct: its two scanners, their chest protocols, segmentations and structure sets.

Who is examined when, and in which export it comes, is decided in lung.py.
"""

from dataclasses import dataclass, replace

from eucaim_pipelines.demo import pixels, private
from eucaim_pipelines.demo.annotations import Finding, segmentation, structure_set
from eucaim_pipelines.demo.encoding import DEFLATED, EXPLICIT, IMPLICIT, JPEG_LS, RLE
from eucaim_pipelines.demo.label_maps import label_map
from eucaim_pipelines.demo.objects import Equipment, Hospital, Series, Study, add_image, finish, start_series
from eucaim_pipelines.demo.people import Staff, unaccented
from eucaim_pipelines.demo.plan import Made

CT = "1.2.840.10008.5.1.4.1.1.2"
SEGMENTED, CONTOURED, MAPPED = (1, 3, 6, 9, 12, 14, 18, 21, 24, 26), (2, 6, 11, 18, 23), (20,)
SIZE, KEY_SIZE = 40, 170
STAFF = Staff(
    institution="Hospital Universitari Sant Narcís de Llevant",
    address="Av. de la Séquia Major 114, 46999 Vall d'Alcoi",
    department="Radiodiagnóstico Planta Baja B2",
    referring=("BARRACHINA SOLÍS^ELVIRA^^DRA.", "ESCRIBÀ FONTESTAD^PAU^^DR.", "URQUIJO LAÍN^MARCOS^^DR."),
    operators=("TSR^MONTAGUD PIÑOL", "TSR^ALBEROLA CHIRIVELLA"),
    reading=("CORTÉS-MAESTRE^NATÀLIA^^DRA.", "GALIANA BRÚ^OCTAVI^^DR."),
)
SIEMENS = Equipment(
    manufacturer="SIEMENS",
    model="SOMATOM Definition AS",
    software="syngo CT VA48A",
    serial="SN-CT-735120419",
    station="CTAWP73512LLV",
    uid_root="1.3.12.2.1107.5.1.4.73512",
    private=private.siemens,
)
GE = Equipment(
    manufacturer="GE MEDICAL SYSTEMS",
    model="LightSpeed VCT",
    software="gmp_vct.42",
    serial="SN-GE-00466210LV",
    station="LLVCT02PRO",
    uid_root="1.2.840.113619.2.55.3.2831868886",
    private=private.ge,
)


@dataclass(frozen=True)
class Reconstruction:
    """One CT series of the protocol: how it is named, its kernel, slice thickness in mm and length."""

    description: str
    kernel: str
    thickness: float
    slices: tuple[int, int]


PROTOCOLS = {
    "SIEMENS": (
        Reconstruction("TORAX C/C 1.0 B31f", "B31f", 1.0, (9, 14)),
        Reconstruction("TORAX PULMÓN 1.5 B70f", "B70f", 1.5, (6, 10)),
    ),
    "GE MEDICAL SYSTEMS": (
        Reconstruction("TC TORAX CON CIV PARTES BLANDAS", "STANDARD", 1.25, (9, 13)),
        Reconstruction("TC TORAX PULMON ALTA RES", "LUNG", 1.25, (6, 9)),
    ),
}


def _syntax(number: int, kernel: str) -> str:
    """Archives compress what they like: a few patients' series, not all of them."""
    if kernel in ("B31f", "STANDARD"):
        return {3: RLE, 10: JPEG_LS, 15: DEFLATED}.get(number, IMPLICIT if number % 5 == 0 else EXPLICIT)
    return IMPLICIT if number % 5 == 0 else EXPLICIT


def start_ct(
    hospital: Hospital, study: Study, equipment: Equipment, frame: str, number: int, recon: Reconstruction
) -> Series:
    """Build the header of a CT series, acquisition parameters included."""
    series = start_series(
        hospital,
        study,
        equipment,
        modality="CT",
        sop_class=CT,
        number=number,
        description=recon.description,
        protocol="TORAX_RUTINA",
        body_part="TORAX" if equipment is SIEMENS else "CHEST",
        syntax=_syntax(study.person.number, recon.kernel),
    )
    ds = series.common
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame, ""
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.Exposure = 120, 180 + study.person.number, 500, 90
    ds.ConvolutionKernel, ds.FilterType = recon.kernel, "FLAT" if equipment is SIEMENS else "BODY FILTER"
    ds.PatientPosition, ds.GantryDetectorTilt, ds.TableHeight = "FFS", 0, 155.5
    ds.SpiralPitchFactor, ds.CTDIvol, ds.SliceThickness = 0.9, 6.2, recon.thickness
    ds.ContrastBolusAgent, ds.AcquisitionNumber = "OMNIPAQUE 300", 1
    ds.ImageOrientationPatient, ds.PixelSpacing = [1, 0, 0, 0, 1, 0], [8.5, 8.5]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = (40, 400) if recon.kernel in ("B31f", "STANDARD") else (-600, 1500)
    if study.person.number % 10 == 8:
        ds.BurnedInAnnotation = "NO"
    return series


def add_slices(hospital: Hospital, series: Series, count: int, nodule: bool = True) -> None:
    """Make `count` axial images, feet first, one slice thickness apart."""
    noise = hospital.seeds.generator(series.uid)
    ds = series.common
    for number in range(1, count + 1):
        position = number / (count + 1)
        z = -300.0 + number * float(ds.SliceThickness)
        ds.ImagePositionPatient, ds.SliceLocation = [-170.0, -170.0, z], z
        add_image(ds, pixels.chest(noise, SIZE, position, nodule and 0.25 < position < 0.75))
        finish(hospital, series, number)


def reconstruct(
    hospital: Hospital, study: Study, equipment: Equipment, frame: str, number: int, recon: Reconstruction
) -> Series:
    series = start_ct(hospital, study, equipment, frame, number, recon)
    add_slices(hospital, series, hospital.seeds.number(*recon.slices, "slices", series.uid))
    return series


def scout(hospital: Hospital, study: Study, equipment: Equipment, frame: str) -> Series:
    series = start_ct(
        hospital, study, equipment, frame, 1, Reconstruction("TOPOGRAMA 0.6 T20s", "T20s", 0.6, (1, 1))
    )
    ds = series.common
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 0, -1], [-170.0, 0.0, 120.0]
    add_image(ds, pixels.chest(hospital.seeds.generator(series.uid), SIZE, 0.5, nodule=False))
    finish(hospital, series, 1)
    return series


def key_images(hospital: Hospital, study: Study, equipment: Equipment, frame: str) -> Series:
    """What a workstation made of two slices: larger, with the person's name and number in the pixels."""
    recon = Reconstruction("IMAGEN CLAVE", "B31f" if equipment is SIEMENS else "STANDARD", 5.0, (2, 2))
    series = start_ct(hospital, study, equipment, frame, 40, recon)
    series.syntax = EXPLICIT if equipment is SIEMENS else RLE
    ds, person = series.common, study.person
    ds.ImageType, ds.ConversionType, ds.BurnedInAnnotation = ["DERIVED", "SECONDARY", "AXIAL"], "WSD", "YES"
    ds.PixelSpacing = [2.0, 2.0]
    noise = hospital.seeds.generator(series.uid)
    for number in (1, 2):
        ds.ImagePositionPatient = [-170.0, -170.0, -300.0 + number * 5]
        ds.SliceLocation = ds.ImagePositionPatient[2]
        image = pixels.chest(noise, KEY_SIZE, 0.3 * number, nodule=True)
        pixels.burn_in(image, unaccented(person.name.family).upper(), 4, 4, size=2, value=3000)
        pixels.burn_in(image, person.patient_id, KEY_SIZE - 14, 60, size=2, value=3000)
        add_image(ds, image)
        series.made[-1] = replace(finish(hospital, series, number), risky=True)
    return series


def annotate(
    hospital: Hospital, series: list[Series], number: int, timepoint: int, risky: bool
) -> list[Made]:
    """The first scan of some patients is segmented, that of others contoured for radiotherapy.

    `risky`: names of persons stand where labels belong.
    """
    if timepoint != 0:
        return []
    soft, annotations = series[-2], []
    if number in SEGMENTED:
        annotations.append(segmentation(hospital, soft, _findings(number, risky), 90))
    if number in CONTOURED:
        regions = [("GTV-1", "GTV"), ("Heart", "ORGAN")]
        if risky and number == 6:
            regions.append(
                (f"PTV {series[0].study.person.name.family}", "PTV")
            )  # a name where a label belongs
        annotations.append(structure_set(hospital, soft, regions, 95))
    return annotations


def mapped(hospital: Hospital, series: list[Series]) -> tuple[Made, bytes]:
    """A label map of the soft reconstruction: a lung, and the tumour in the words of this hospital."""
    masks = [("Right lung", pixels.lung_mask(SIZE)), ("Tumor primario", pixels.nodule_mask(SIZE))]
    return label_map(hospital, series[-2], masks, 97)


def _findings(number: int, risky: bool) -> list[Finding]:
    """The tumour, and in every other segmentation a lung; `risky`: two sign where a label belongs."""
    label = f"Tumour {STAFF.reading[0].split('^')[0]}" if risky and number == 12 else "Tumour"
    findings = [
        Finding(
            label,
            ("108369006", "SCT", "Neoplasm"),
            pixels.nodule_mask(SIZE),
            description=f"Revisado: {STAFF.reading[1].split('^')[0]}" if risky and number == 9 else label,
            altered=True,
        )
    ]
    if number % 2 == 0:
        lung = ("3341006", "SCT", "Right lung")
        findings.append(Finding("Right lung", lung, pixels.lung_mask(SIZE), "AUTOMATIC", "TotalSegmentator"))
    return findings
