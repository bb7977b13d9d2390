"""demo_prostate_mr: a German hospital's prostate MR with T2, DWI, DCE and some enhanced multi-frame objects.

Its clinical tables stand in prostate_tables.py, the enhanced objects in enhanced_mr.py.
"""

from datetime import timedelta

from eucaim_pipelines.demo import defects
from eucaim_pipelines.demo.annotations import segmentation
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
from eucaim_pipelines.demo.enhanced_mr import enhanced_series
from eucaim_pipelines.demo.names import german_name
from eucaim_pipelines.demo.objects import Hospital, Series, Study, finish
from eucaim_pipelines.demo.people import Person, birth_date
from eucaim_pipelines.demo.plan import DatasetPlan, Seeds, monthly_exports
from eucaim_pipelines.demo.prostate_images import (
    PHILIPS,
    PROTOCOLS,
    SAGITTAL,
    SIEMENS,
    STAFF,
    Sequence,
    acquire,
    add_slices,
    findings,
    start_mr,
)
from eucaim_pipelines.demo.prostate_tables import add_tables, diagnosis_day

DATASET = "demo_prostate_mr"
PATIENTS, ONLY_IN_IMAGES, ONLY_IN_TABLE = 24, 23, 24
SEGMENTED, ENHANCED = (1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21), (2, 4, 6)
NEVER_EXPORTED = 7  # the patient whose segmentation refers to a series that is not delivered
CORRECTED, SENT_AGAIN, SENT_AGAIN_BY_ARCHIVE = 11, 2, 9
LATER = 15  # patients up to this number come with the first export


def plan(seed: int, clean: bool) -> DatasetPlan:
    """Everything of this dataset; the planted tier defect is the segmentation of a series never exported."""
    seeds = Seeds(seed, DATASET)
    hospital = Hospital(seeds, STAFF, "UKW_ARCHIV")
    result = DatasetPlan(DATASET, 3 if clean else 2, monthly_exports())
    people = [_person(seeds, number) for number in range(1, PATIENTS + 1)]
    studies = [
        _examine(hospital, person, timepoint)
        for person in people
        if clean or person.number != ONLY_IN_TABLE
        for timepoint in range(2 if person.number % 4 == 0 else 1)
    ]
    if not clean:
        _segment_what_is_not_there(hospital, by_patient_and_timepoint(studies)[NEVER_EXPORTED, 0])
    _deliver(result, hospital, studies)
    if not clean:
        _plant_defects(result, hospital, studies, people)
    add_tables(result, [p for p in people if clean or p.number != ONLY_IN_IMAGES], clean)
    note_identities(result, people, studies)
    for part in (STAFF, SIEMENS, PHILIPS):
        part.note(result)
    return result


def _person(seeds: Seeds, number: int) -> Person:
    return Person(
        number=number,
        patient_id=f"UKWS-{770_132 + number * 613}",
        other_id=f"KVNR-A{seeds.number(100_000_000, 999_999_999, 'kvnr', number)}",
        name=german_name(number),
        sex="M",
        birth=birth_date(seeds, number, 1943, 1962),
        phone=f"+49 9398 {seeds.number(100_000, 999_999, 'phone', number)}",
        address=f"Am Höllenbächle {seeds.number(100, 299, 'street', number)}",
        city="97998 Klein-Rößlingen",
    )


def _examine(hospital: Hospital, person: Person, timepoint: int) -> Examined:
    equipment = SIEMENS if person.number % 2 else PHILIPS
    day = diagnosis_day(person) - timedelta(days=14) + timedelta(days=timepoint * (190 + person.number))
    number = person.number * 10 + timepoint
    study = Study(
        person,
        hospital.seeds.uid(equipment.uid_root, "study", person.number, timepoint),
        day,
        7 + number % 10,
        f"MR{5_000 + number}",
        f"UKWS{hospital.seeds.number(10_000_000, 99_999_999, 'accession', number)}",
        "MRT der Prostata mit KM" if timepoint == 0 else "MRT der Prostata Verlauf",
        show_birth_date=person.number % 6 != 0,
        show_age=person.number % 6 == 0 or person.number % 5 != 2,
    )
    frame = hospital.seeds.uid(equipment.uid_root, "frame", study.uid)
    series = [
        acquire(hospital, study, equipment, frame, number, sequence)
        for number, sequence in enumerate(PROTOCOLS[equipment.manufacturer], start=3)
    ]
    if person.number in ENHANCED and timepoint == 0:
        series.append(enhanced_series(hospital, study, equipment, frame, 9))
    annotations = []
    if person.number in SEGMENTED and timepoint == 0:
        annotations.append(segmentation(hospital, series[0], findings(person.number), 90))
    return Examined(study, timepoint, series, annotations)


def _segment_what_is_not_there(hospital: Hospital, examined: Examined) -> None:
    """Segment a sagittal series that the hospital never exports."""
    equipment, frame = examined.series[0].equipment, examined.series[0].common.FrameOfReferenceUID
    sagittal = acquire(hospital, examined.study, equipment, frame, 12, SAGITTAL)
    examined.annotations.append(segmentation(hospital, sagittal, findings(1), 91))


def _deliver(result: DatasetPlan, hospital: Hospital, studies: list[Examined]) -> None:
    folder, archive, tape = result.exports
    found = by_patient_and_timepoint(studies)
    for (number, timepoint), examined in found.items():
        if timepoint == 1:
            add_by_uid(tape, examined.objects)
        elif number > LATER:
            add_flat(archive, examined.objects)
        else:
            add_by_patient(folder, examined, "%Y%m%d")
    add_flat(archive, found[SENT_AGAIN, 0].objects)
    add_by_uid(tape, by_other_archive(found[SENT_AGAIN_BY_ARCHIVE, 0].objects))
    add_by_uid(tape, [defects.altered(hospital, found[CORRECTED, 0].series[0], 4, version=2)])


def _plant_defects(
    result: DatasetPlan, hospital: Hospital, studies: list[Examined], people: list[Person]
) -> None:
    found = by_patient_and_timepoint(studies)
    misfits = defects.Misfits(
        conflict=_extra(hospital, found[5, 0], 21, "ADC Karte"),
        mixed=_extra(hospital, found[18, 0], 22, "Lokalisator Becken", other=people[18]),
        cut=_extra(hospital, found[10, 0], 23, "Lokalisator Becken", count=1),
        nameless=found[13, 0].series[-1],
        unlabelled=found[19, 0].series[-1],
        on_disc=found[1, 0].series[0].made[:2],
        reported=people[2],
        unfinished=found[8, 0].series[-1].made[:3],
    )
    defects.plant(
        result,
        hospital,
        misfits,
        folder="DICOM/unsortiert",
        report=f"Befunde/Arztbrief {people[2].name.family}.pdf",
        note=("LIESMICH.txt", "Lieferung für das Forschungsnetz\n".encode("cp1252")),
    )


def _extra(
    hospital: Hospital,
    examined: Examined,
    number: int,
    description: str,
    *,
    count: int = 4,
    other: Person | None = None,
) -> Series:
    """One more series of a study; with `other`, its last object carries another person's identity."""
    equipment, frame = examined.series[0].equipment, examined.series[0].common.FrameOfReferenceUID
    sequence = Sequence(description, 5, 20, "GR", count)
    series = start_mr(hospital, examined.study, equipment, frame, number, sequence)
    series.syntax = EXPLICIT
    add_slices(hospital, series, sequence)
    if other is not None:
        defects.of_somebody_else(hospital, series, other)
        finish(hospital, series, count + 1)
    return series
