"""demo_breast_mg: a Greek breast clinic's mammograms and ultrasounds, screening controls among the women.

Its clinical table stands in breast_tables.py; how objects are made stands in objects.py.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo import defects
from eucaim_pipelines.demo.breast_images import (
    GE,
    HOLOGIC,
    PHILIPS,
    STAFF,
    VIEWS,
    add_view,
    start_mg,
    ultrasound,
)
from eucaim_pipelines.demo.breast_tables import CANCER, add_tables, first_visit
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
from eucaim_pipelines.demo.names import greek_name
from eucaim_pipelines.demo.objects import Hospital, Series, Study, finish
from eucaim_pipelines.demo.people import Person, birth_date
from eucaim_pipelines.demo.plan import DatasetPlan, Seeds, monthly_exports

DATASET = "demo_breast_mg"
PATIENTS, ONLY_IN_IMAGES, ONLY_IN_TABLE = 36, 36, 35
WITH_ULTRASOUND = (1, 3, 4, 6, 8, 11, 12, 15, 17, 20)
BURNED_IN = (5, 12)  # patients whose left views say that text is burned in
CORRECTED, SENT_AGAIN, SENT_AGAIN_BY_ARCHIVE = 10, 2, 16


def plan(seed: int, clean: bool) -> DatasetPlan:
    """Everything of this dataset; the planted tier defect is in its table: local codes without a meaning."""
    seeds = Seeds(seed, DATASET)
    hospital = Hospital(seeds, STAFF, "PILIO_PACS")
    result = DatasetPlan(DATASET, 3 if clean else 1, monthly_exports())
    people = [_person(seeds, number) for number in range(1, PATIENTS + 1)]
    studies = [
        _examine(hospital, person, timepoint, risky=not clean)
        for person in people
        if clean or person.number != ONLY_IN_TABLE
        for timepoint in range(1 + person.number % 3)
    ]
    _deliver(result, hospital, studies)
    if not clean:
        _plant_defects(result, hospital, studies, people)
    add_tables(result, [p for p in people if clean or p.number != ONLY_IN_IMAGES], clean)
    note_identities(result, people, studies)
    for part in (STAFF, HOLOGIC, GE, PHILIPS):
        part.note(result)
    return result


def _person(seeds: Seeds, number: int) -> Person:
    return Person(
        number=number,
        patient_id=f"ΑΦ{5_200_000 + number * 4_391}",
        other_id=f"AMKA{seeds.number(10_000_000_000, 99_999_999_999, 'amka', number)}",
        name=greek_name(number),
        sex="F",
        birth=birth_date(seeds, number, 1947, 1979),
        phone=f"+30 24280 {seeds.number(10_000, 99_999, 'phone', number)}",
        address=f"Πλατεία Χείρωνος {seeds.number(10, 99, 'street', number)}",
        city="38998 Κάτω Γατζέα",
    )


def _examine(hospital: Hospital, person: Person, timepoint: int, risky: bool) -> Examined:
    """One visit: four views, as one series (GE) or one series each (Hologic), and sometimes an ultrasound."""
    equipment = HOLOGIC if person.number % 2 else GE
    number = person.number * 10 + timepoint
    study = Study(
        person,
        hospital.seeds.uid(equipment.uid_root, "study", person.number, timepoint),
        visit_day(person, timepoint),
        8 + number % 8,
        f"MG{2_000 + number}",
        f"PIL{hospital.seeds.number(100_000_000, 999_999_999, 'accession', number)}",
        "ΑΜΦΩ ΜΑΣΤΟΓΡΑΦΙΑ" if person.number in CANCER else "ΠΡΟΛΗΠΤΙΚΗ ΜΑΣΤΟΓΡΑΦΙΑ",
        show_birth_date=person.number % 8 != 3,
        show_age=person.number % 8 == 3 or person.number % 5 != 4,
    )
    burned_in = risky and timepoint == 0 and person.number in BURNED_IN
    if equipment is HOLOGIC:
        series = [start_mg(hospital, study, equipment, n + 1) for n in range(len(VIEWS))]
        for each, view in zip(series, VIEWS, strict=True):
            add_view(hospital, each, 1, *view, burned_in)
    else:
        series = [start_mg(hospital, study, equipment, 1)]
        for n, view in enumerate(VIEWS, start=1):
            add_view(hospital, series[0], n, *view, burned_in)
    if risky and timepoint == 0 and person.number in WITH_ULTRASOUND:
        series.append(ultrasound(hospital, study))
    return Examined(study, timepoint, series)


def visit_day(person: Person, timepoint: int) -> date:
    """Day of a visit; rounds are a year apart."""
    return first_visit(person) + timedelta(days=timepoint * (365 + person.number))


def _deliver(result: DatasetPlan, hospital: Hospital, studies: list[Examined]) -> None:
    folder, archive, tape = result.exports
    found = by_patient_and_timepoint(studies)
    for (number, timepoint), examined in found.items():
        if timepoint == 2 or (timepoint == 1 and number > 24):
            add_by_uid(tape, examined.objects)
        elif timepoint == 1 or number > 24:
            add_flat(archive, examined.objects)
        else:
            add_by_patient(folder, examined, "%d.%m.%Y")
    add_flat(archive, found[SENT_AGAIN, 0].objects)
    add_by_uid(tape, by_other_archive(found[SENT_AGAIN_BY_ARCHIVE, 0].objects))
    add_by_uid(tape, [defects.altered(hospital, found[CORRECTED, 0].series[0], 2, version=2)])


def _plant_defects(
    result: DatasetPlan, hospital: Hospital, studies: list[Examined], people: list[Person]
) -> None:
    found = by_patient_and_timepoint(studies)
    misfits = defects.Misfits(
        conflict=_extra(hospital, found[14, 0], 21),
        mixed=_extra(hospital, found[26, 0], 22, other=people[27]),
        cut=_extra(hospital, found[9, 0], 23, count=1),
        nameless=found[18, 0].series[0],
        unlabelled=found[30, 0].series[0],
        on_disc=found[10, 0].series[0].made[:2],
        reported=people[2],
        unfinished=found[22, 0].series[0].made[:3],
    )
    defects.plant(
        result,
        hospital,
        misfits,
        folder="DICOM/ATAXINOMITA",
        report=f"ΠΟΡΙΣΜΑΤΑ/Πόρισμα {people[2].name.family}.pdf",
        note=("ΔΙΑΒΑΣΕ ΜΕ.txt", "Μηνιαία αποστολή\n".encode("iso8859-7")),
    )


def _extra(
    hospital: Hospital, examined: Examined, number: int, *, count: int = 3, other: Person | None = None
) -> Series:
    """Magnification views; with `other`, the last one carries another person's identity."""
    series = start_mg(hospital, examined.study, examined.series[0].equipment, number)
    series.syntax = EXPLICIT
    for instance in range(1, count + 1):
        add_view(hospital, series, instance, "R", "CC")
    if other is not None:
        defects.of_somebody_else(hospital, series, other)
        finish(hospital, series, count + 1)
    return series
