"""Images of demo_breast_mg: mammograms of two vendors, and ultrasound with text burned into the pixels.

Who is examined when, and in which export it comes, is decided in breast.py.
"""

from dataclasses import replace

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.demo import pixels, private
from eucaim_pipelines.demo.breast_tables import CANCER
from eucaim_pipelines.demo.encoding import DEFLATED, EXPLICIT, IMPLICIT, JPEG_LS, RLE
from eucaim_pipelines.demo.objects import Equipment, Hospital, Series, Study, add_image, finish, start_series
from eucaim_pipelines.demo.people import Staff
from eucaim_pipelines.demo.plan import Made

MG, US = "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1"
ROWS, COLUMNS = 64, 48
VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
STAFF = Staff(
    institution="Κλινική Μαστού Αγία Φιλοθέη Πηλίου",
    address="Οδός Κενταύρων 118, 38999 Άνω Λεχώνια",
    department="Τμήμα Μαστογραφίας 2ος όροφος",
    referring=("Σαραντόπουλος^Περικλής^^Δρ.", "Μιχαλοπούλου^Ευρυδίκη^^Δρ."),
    operators=("Τεχνολόγος Αλεξανδράκη", "Τεχνολόγος Πετρόπουλος"),
    reading=("Καλλιγέρη^Αρτεμισία^^Δρ.", "Βλαχογιάννης^Λεωνίδας^^Δρ."),
)
HOLOGIC = Equipment(
    manufacturer="HOLOGIC, Inc.",
    model="Selenia Dimensions",
    software="AWS:1.8.3.63",
    serial="SN-HL-81009130774",
    station="MAMMO-HOL-PIL1",
    uid_root="1.2.840.113681.2229492743",
    private=private.hologic,
)
GE = Equipment(
    manufacturer="GE MEDICAL SYSTEMS",
    model="Senographe Essential",
    software="ADS Application Package VERSION ADS_54.11",
    serial="SN-GE-0622931PIL",
    station="MAMMO-GE-PIL2",
    uid_root="1.2.840.113619.2.66.2203816",
    private=private.ge,
)
PHILIPS = Equipment(
    manufacturer="Philips Medical Systems",
    model="EPIQ 7G",
    software="EPIQ 7G_7.0.5",
    serial="SN-US-51719B0448",
    station="US-EPIQ-PIL3",
    uid_root="1.3.46.670589.14.9000.51719",
    private=private.philips,
)


def start_mg(hospital: Hospital, study: Study, equipment: Equipment, number: int) -> Series:
    syntax = {6: RLE, 7: DEFLATED, 8: JPEG_LS}.get(study.person.number, EXPLICIT)
    if study.person.number % 9 == 2:
        syntax = IMPLICIT
    series = start_series(
        hospital,
        study,
        equipment,
        modality="MG",
        sop_class=MG,
        number=number,
        description="ΜΑΣΤΟΓΡΑΦΙΑ 4 ΛΗΨΕΙΣ",
        protocol="",
        body_part="BREAST",
        syntax=syntax,
    )
    ds = series.common
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.KVP, ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = 29, 900, 100, 60
    ds.AnodeTargetMaterial, ds.FilterMaterial, ds.BodyPartThickness, ds.CompressionForce = (
        "RHODIUM",
        "SILVER",
        58,
        90,
    )
    ds.ImagerPixelSpacing, ds.PositionerType, ds.PresentationIntentType = (
        [0.1, 0.1],
        "MAMMOGRAPHIC",
        "FOR PRESENTATION",
    )
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType, ds.PresentationLUTShape = 0, 1, "US", "IDENTITY"
    ds.LossyImageCompression, ds.WindowCenter, ds.WindowWidth, ds.OrganExposed = "00", 2000, 4000, "BREAST"
    ds.DetectorType, ds.DetectorID = "DIRECT", f"DET-{equipment.serial}"[:16]
    ds.AcquisitionContextSequence = Sequence()
    ds.AnatomicRegionSequence = _code("76752008", "Breast")
    return series


def _code(value: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return Sequence([item])


def add_view(
    hospital: Hospital, series: Series, number: int, side: str, view: str, burned_in: bool = False
) -> Made:
    """One mammogram; with `burned_in`, left views say that their pixels show text."""
    ds, person = series.common, series.study.person
    ds.ImageLaterality, ds.ViewPosition = side, view
    ds.PatientOrientation = ["P" if side == "R" else "A", "L" if view == "CC" else "F"]
    code = _code(*VIEW_CODES[view])
    code[0].ViewModifierCodeSequence = Sequence()
    ds.ViewCodeSequence = code
    risky = burned_in and side == "L"
    if risky or person.number % 3 == 0:
        ds.BurnedInAnnotation = "YES" if risky else "NO"
    elif "BurnedInAnnotation" in ds:
        del ds.BurnedInAnnotation
    noise = hospital.seeds.generator(series.uid, number)
    lesion = person.number in CANCER and side == ("R" if person.number % 2 else "L")
    add_image(ds, pixels.breast(noise, ROWS, COLUMNS, side == "L", lesion))
    made = finish(hospital, series, number)
    if risky:
        made = series.made[-1] = replace(made, risky=True)
    return made


def ultrasound(hospital: Hospital, study: Study) -> Series:
    """Ultrasound stills; on every other one the person's number stands in the pixels, above the region."""
    series = start_series(
        hospital,
        study,
        PHILIPS,
        modality="US",
        sop_class=US,
        number=40,
        description="ΥΠΕΡΗΧΟΣ ΜΑΣΤΩΝ",
        protocol="",
        body_part="BREAST",
    )
    ds = series.common
    ds.ImageType, ds.LossyImageCompression = ["ORIGINAL", "PRIMARY", "SMALL PARTS"], "00"
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 12
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = COLUMNS - 1, ROWS - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.08
    ds.SequenceOfUltrasoundRegions = Sequence([region])
    noise = hospital.seeds.generator(series.uid)
    digits = "".join(letter for letter in study.person.patient_id if letter.isdigit())
    for number in range(1, 4):
        add_image(
            ds,
            pixels.ultrasound(noise, ROWS, COLUMNS, f"ID {digits}" if number % 2 else ""),
            photometric="RGB",
        )
        finish(hospital, series, number)
    series.made = [replace(made, risky=True) for made in series.made]
    return series
