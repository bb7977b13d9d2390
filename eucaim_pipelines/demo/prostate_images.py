"""Images of demo_prostate_mr: its two scanners, their protocols, and what is segmented on T2.

Who is examined when, and in which export it comes, is decided in prostate.py.
"""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from eucaim_pipelines.demo import pixels, private
from eucaim_pipelines.demo.annotations import Finding
from eucaim_pipelines.demo.encoding import DEFLATED, EXPLICIT, IMPLICIT, JPEG_LS, RLE
from eucaim_pipelines.demo.objects import Equipment, Hospital, Series, Study, add_image, finish, start_series
from eucaim_pipelines.demo.people import Staff

MR = "1.2.840.10008.5.1.4.1.1.4"
SIZE = 40
STAFF = Staff(
    institution="Universitätsklinikum Weißenfurth-Süd",
    address="Prälat-Häberle-Straße 71, 97999 Weißenfurth",
    department="Institut für Röntgendiagnostik Haus 4",
    referring=(
        "Brückenschmied^Annegret^^Dr. med.",
        "Löwenherz-Özil^Cem^^Dr.",
        "Plättner^Ruprecht^^Prof. Dr.",
    ),
    operators=("MTR Schäufele^Ines", "MTR Kühlewind^Jörn"),
    reading=("Rößlein^Friederike^^PD Dr.", "Täuber-Nöll^Ottmar^^Dr."),
)
SIEMENS = Equipment(
    manufacturer="SIEMENS",
    model="Skyra",
    software="syngo MR E11",
    serial="SN-MR-145833207",
    station="AWP145833UKWS",
    uid_root="1.3.12.2.1107.5.2.19.45833",
    private=private.siemens,
)
PHILIPS = Equipment(
    manufacturer="Philips Medical Systems",
    model="Ingenia",
    software="5.3.1",
    serial="SN-PH-0042371UKWS",
    station="UKWMR03-INGENIA",
    uid_root="1.3.46.670589.11.42371.5",
    private=private.philips,
)


@dataclass(frozen=True)
class Sequence:
    """One MR series of the protocol: name, echo and repetition time in ms, slices, and what it repeats."""

    description: str
    echo_time: float
    repetition_time: float
    scanning: str
    slices: int
    b_values: tuple[int, ...] = ()
    phases: int = 1


PROTOCOLS = {
    "SIEMENS": (
        Sequence("t2_tse_tra_p2 Prostata", 101, 4200, "SE", 9),
        Sequence("ep2d_diff_b50_800 Prostata", 61, 4600, "EP", 6, b_values=(50, 800)),
        Sequence("t1_vibe_tra_dyn KM", 1.4, 4.1, "GR", 5, phases=3),
    ),
    "Philips Medical Systems": (
        Sequence("T2W_TSE_ax Prostata", 110, 3900, "SE", 8),
        Sequence("DWI b0/1000 Prostata", 70, 5100, "EP", 6, b_values=(0, 1000)),
        Sequence("dyn THRIVE nach KM-Gabe", 1.6, 3.9, "GR", 5, phases=3),
    ),
}
SAGITTAL = Sequence("t2_tse_sag Prostata", 101, 4200, "SE", 6)


def findings(number: int) -> list[Finding]:
    gland = Finding("Prostate", ("41216001", "SCT", "Prostate"), pixels.prostate_mask(SIZE))
    if number % 2:
        return [gland]
    lesion = ("52988006", "SCT", "Lesion")
    second = Finding(
        "Lesion", lesion, pixels.nodule_mask(SIZE), "SEMIAUTOMATIC", "3D Slicer 5.6", altered=True
    )
    return [gland, second]


def _syntax(number: int, sequence: Sequence) -> str:
    """Archives compress what they like: a few patients' T2 series."""
    if sequence.scanning == "SE":
        return {3: RLE, 8: JPEG_LS, 16: DEFLATED}.get(number, IMPLICIT if number % 6 == 1 else EXPLICIT)
    return IMPLICIT if number % 6 == 1 else EXPLICIT


def start_mr(
    hospital: Hospital, study: Study, equipment: Equipment, frame: str, number: int, sequence: Sequence
) -> Series:
    series = start_series(
        hospital,
        study,
        equipment,
        modality="MR",
        sop_class=MR,
        number=number,
        description=sequence.description,
        protocol=sequence.description,
        body_part="PROSTATA" if equipment is SIEMENS else "PROSTATE",
        syntax=_syntax(study.person.number, sequence),
    )
    ds = series.common
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame, ""
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = sequence.scanning, "SK", "PFP"
    ds.MRAcquisitionType, ds.SequenceName = "2D" if sequence.phases == 1 else "3D", "*tse2d1_25"
    ds.EchoTime, ds.RepetitionTime, ds.FlipAngle = sequence.echo_time, sequence.repetition_time, 150
    ds.EchoTrainLength, ds.NumberOfAverages = 25, 2
    ds.MagneticFieldStrength, ds.ImagedNucleus, ds.ImagingFrequency = 3, "1H", 123.25
    ds.SliceThickness, ds.SpacingBetweenSlices, ds.PatientPosition = 3, 3.3, "FFS"
    ds.ImageOrientationPatient, ds.PixelSpacing = [1, 0, 0, 0, 1, 0], [4.5, 4.5]
    ds.WindowCenter, ds.WindowWidth = 450, 900
    return series


def acquire(
    hospital: Hospital, study: Study, equipment: Equipment, frame: str, number: int, sequence: Sequence
) -> Series:
    series = start_mr(hospital, study, equipment, frame, number, sequence)
    add_slices(hospital, series, sequence)
    return series


def add_slices(hospital: Hospital, series: Series, sequence: Sequence) -> None:
    """All b-values or phases, slice by slice."""
    noise = hospital.seeds.generator(series.uid)
    repeats = [*sequence.b_values] or [*range(sequence.phases)]
    ds, number = series.common, 0
    for repeat, value in enumerate(repeats):
        brightness = 900 // (1 + repeat) if sequence.b_values else 500 + 150 * repeat
        if sequence.b_values:
            _set_b_value(ds, series.equipment, value)
        if sequence.phases > 1:
            ds.TemporalPositionIdentifier, ds.NumberOfTemporalPositions = repeat + 1, sequence.phases
            ds.TemporalResolution = 9000
        for position in range(sequence.slices):
            number += 1
            z = -60.0 + position * 3.3
            ds.ImagePositionPatient, ds.SliceLocation = [-90.0, -90.0, z], z
            add_image(ds, pixels.prostate(noise, SIZE, brightness))
            finish(hospital, series, number)


def _set_b_value(ds: Dataset, equipment: Equipment, value: int) -> None:
    """The b-value stands in the vendor's private element, as on scanners of that age."""
    creator, group, element, vr = (
        ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS")
        if equipment is SIEMENS
        else ("Philips Imaging DD 001", 0x2001, 0x03, "FL")
    )
    block = ds.private_block(group, creator, create=True)
    if element in block:
        del block[element]
    block.add_new(element, vr, value if vr == "IS" else float(value))
