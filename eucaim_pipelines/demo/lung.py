"""demo_lung_ct: a Spanish hospital's lung cancer follow-up, CT with segmentations and structure sets.

Its clinical tables stand in lung_tables.py; how objects are made stands in objects.py and annotations.py.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo import defects
from eucaim_pipelines.demo.deliveries import (
    Examined,
    add_by_patient,
    add_by_uid,
    add_flat,
    by_other_archive,
    by_patient_and_timepoint,
    note_identities,
)
from eucaim_pipelines.demo.encoding import EXPLICIT
from eucaim_pipelines.demo.lung_images import (
    GE,
    MAPPED,
    PROTOCOLS,
    SIEMENS,
    STAFF,
    Reconstruction,
    add_slices,
    annotate,
    key_images,
    mapped,
    reconstruct,
    scout,
    start_ct,
)
from eucaim_pipelines.demo.lung_tables import DIAGNOSIS_YEAR, add_links, add_tables, diagnosis_day
from eucaim_pipelines.demo.names import spanish_name
from eucaim_pipelines.demo.objects import Hospital, Series, Study, finish
from eucaim_pipelines.demo.people import Person, birth_date
from eucaim_pipelines.demo.plan import DatasetPlan, Seeds, monthly_exports

DATASET = "demo_lung_ct"
PATIENTS, ONLY_IN_IMAGES, ONLY_IN_TABLE, TURNS_90 = 30, 29, 30, 13
BURNED_IN = (7, 16)  # patients with key images that show name and number; the source contract cleans them
CORRECTED, SENT_AGAIN, SENT_AGAIN_BY_ARCHIVE = 4, 2, 6


def plan(seed: int, clean: bool) -> DatasetPlan:
    """Everything of this dataset."""
    seeds = Seeds(seed, DATASET)
    hospital = Hospital(seeds, STAFF, "LLV_PACS")
    result = DatasetPlan(DATASET, 3, monthly_exports(), pixels="clean")
    people = [_person(seeds, number) for number in range(1, PATIENTS + 1)]
    studies = [
        _examine(hospital, person, timepoint, risky=not clean)
        for person in people
        if clean or person.number != ONLY_IN_TABLE
        for timepoint in range(_timepoints(person))
    ]
    _deliver(result, hospital, studies)
    if not clean:
        _plant_defects(result, hospital, studies, people)
    add_tables(result, [p for p in people if clean or p.number != ONLY_IN_IMAGES], clean)
    add_links(result, people, [examined.study for examined in studies], clean)
    result.pooled_patients = {p.patient_id for p in people if p.number == TURNS_90}
    note_identities(result, people, studies)
    for part in (STAFF, SIEMENS, GE):
        part.note(result)
    return result


def _person(seeds: Seeds, number: int) -> Person:
    woman = number % 4 in (2, 3)
    born = birth_date(seeds, number, 1942, 1968)
    if number == TURNS_90:  # 89 at diagnosis and first scan, 90 at the second
        born = date(DIAGNOSIS_YEAR - 89, 4, 20)
    return Person(
        number=number,
        patient_id=f"HC{481_516 + number * 7_919:08d}",
        other_id=f"SIP{seeds.number(10_000_000, 99_999_999, 'sip', number)}",
        name=spanish_name(number, woman),
        sex="F" if woman else "M",
        birth=born,
        phone=f"+34 6{seeds.number(10, 99, 'p1', number)} {seeds.number(100_000, 999_999, 'p2', number)}",
        address=f"C/ Mossèn Cabrelles {seeds.number(100, 299, 'street', number)}",
        city="46998 Benirrama de l'Horta",
    )


def _timepoints(person: Person) -> int:
    return 2 if person.number == TURNS_90 else 1 + person.number % 3


def study_day(person: Person, timepoint: int) -> date:
    """Day of a scan: staging shortly after the diagnosis, then about every four months."""
    if person.number == TURNS_90 and timepoint == 1:
        return date(DIAGNOSIS_YEAR + 1, 5, 6)
    return diagnosis_day(person) + timedelta(days=6 + person.number % 11 + timepoint * (112 + person.number))


def _examine(hospital: Hospital, person: Person, timepoint: int, risky: bool) -> Examined:
    equipment = SIEMENS if person.number % 2 else GE
    day, number = study_day(person, timepoint), person.number * 10 + timepoint
    study = Study(
        person,
        hospital.seeds.uid(equipment.uid_root, "study", person.number, timepoint),
        day,
        8 + number % 9,
        f"{30_000 + number}",
        f"LLV{day:%y}{hospital.seeds.number(1_000_000, 9_999_999, 'accession', number)}",
        "TC DE TÓRAX CON CONTRASTE" if timepoint == 0 else "TC DE TÓRAX CONTROL",
        show_birth_date=person.number % 7 != 0,
        show_age=person.number % 7 == 0 or person.number % 4 != 1,
    )
    frame = hospital.seeds.uid(equipment.uid_root, "frame", study.uid)
    series = [
        reconstruct(hospital, study, equipment, frame, n, reconstruction)
        for n, reconstruction in enumerate(PROTOCOLS[equipment.manufacturer], start=2)
    ]
    if equipment is SIEMENS:
        series.insert(0, scout(hospital, study, equipment, frame))
    if risky and timepoint == 0 and person.number in BURNED_IN:
        series.insert(0, key_images(hospital, study, equipment, frame))
    return Examined(study, timepoint, series, annotate(hospital, series, person.number, timepoint, risky))


def _deliver(result: DatasetPlan, hospital: Hospital, studies: list[Examined]) -> None:
    """First scans come with the first exports, later ones as they happen; two studies come again."""
    folder, archive, tape = result.exports
    found = by_patient_and_timepoint(studies)
    for (number, timepoint), examined in found.items():
        if timepoint == 2 or (timepoint == 1 and number > 22):
            add_by_uid(tape, examined.objects)
        elif timepoint == 1 or number > 22:
            add_flat(archive, examined.objects)
        else:
            add_by_patient(folder, examined, "%d-%m-%Y")
    for number in MAPPED:
        person, series = found[number, 0].study.person, found[number, 0].series
        folder.add_label_map(f"mascaras/{person.name.family}_{number}", mapped(hospital, series))
    add_flat(archive, found[SENT_AGAIN, 0].objects)
    add_by_uid(tape, by_other_archive(found[SENT_AGAIN_BY_ARCHIVE, 0].objects))
    add_by_uid(tape, [defects.altered(hospital, found[CORRECTED, 0].series[-2], 3, version=2)])


def _plant_defects(
    result: DatasetPlan, hospital: Hospital, studies: list[Examined], people: list[Person]
) -> None:
    found = by_patient_and_timepoint(studies)
    misfits = defects.Misfits(
        conflict=_extra(hospital, found[5, 0], 21, "RECON MIP 5MM"),
        mixed=_extra(hospital, found[25, 0], 22, "TORAX BAJA DOSIS", other=people[26]),
        cut=_extra(hospital, found[11, 0], 23, "TORAX BAJA DOSIS", count=1),
        nameless=found[9, 0].series[-1],
        unlabelled=found[23, 0].series[-1],
        on_disc=found[1, 0].series[1].made[:2],
        reported=people[3],
        unfinished=found[8, 0].series[-1].made[:3],
    )
    defects.plant(
        result,
        hospital,
        misfits,
        folder="DICOM/sin_clasificar",
        report=f"informes/Informe {people[3].name.family}.pdf",
        note=("LEEME.txt", "Envío mensual. Preguntas: ext. 4417\n".encode("cp1252")),
    )


def _extra(
    hospital: Hospital, examined: Examined, number: int, description: str, *, count: int = 4,
    other: Person | None = None,
) -> Series:  # fmt: skip
    """One more series of a study; with `other`, its last object carries another person's identity."""
    equipment, frame = examined.series[-1].equipment, examined.series[-1].common.FrameOfReferenceUID
    recon = Reconstruction(description, "B31f" if equipment is SIEMENS else "STANDARD", 5.0, (count, count))
    series = start_ct(hospital, examined.study, equipment, frame, number, recon)
    series.syntax = EXPLICIT
    add_slices(hospital, series, count)
    if other is not None:
        defects.of_somebody_else(hospital, series, other)
        finish(hospital, series, count + 1)
    return series
