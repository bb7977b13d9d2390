"""Clinical tables of demo_prostate_mr: a workbook of patients and an increment of reports, in German.

The workbook is a snapshot, twice; the increment is UTF-8 with BOM and commas, one row per report.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan
from eucaim_pipelines.demo.tables import Cell, balance, write_csv, write_xlsx

_PATIENT_HEADER = (
    "Pat-Nr.", "Name", "Geb.-Datum", "Geschlecht", "Kollektiv", "Erstdiagnose", "Alter bei ED", "ICD-10",
    "Histologie", "Lokalisation", "Bemerkung",
)  # fmt: skip
_REPORT_HEADER = (
    "Pat-Nr.", "Lfd.Nr.", "Patient", "Art", "Datum", "PSA ng/ml", "Entnahme", "Therapie", "Therapiebeginn",
    "Befundtext",
)  # fmt: skip
_HISTOLOGY = ("Azinäres Adeno-Ca", "Adeno-Ca o.n.A.", "Adeno-Ca o.n.A.", "duktales Ca")
_SITE = ("PZ", "TZ", "PZ", "Prostata")
_SAMPLING = ("Stanzbiopsie perineal", "Stanzbiopsie transrektal", "Fusionsbiopsie")
_THERAPY = ("RPE", "RTx", "ADT", "AS", "Brachy")
_UNMAPPED_THERAPY = (16, "Bestralung")
_CORRECTED_REPORT = 5
_NEIGHBOURS = ("Hannelore Zwickenpflug", "Ekkehard Schmädecke")
_EARLY = 15


def diagnosis_day(person: Person) -> date:
    """Day of the first diagnosis; all of them in one year."""
    return date(2022, 2, 1) + timedelta(days=person.number * 12)


def add_tables(plan: DatasetPlan, people: list[Person], clean: bool) -> None:
    """Workbooks in the first and the last export, reports in all three."""
    folder, archive, tape = plan.exports[:3]
    early = [person for person in people if person.number <= _EARLY]
    for export, known in ((folder, early), (tape, people)):
        data = write_xlsx(_PATIENT_HEADER, [_patient(person) for person in known], "Patienten")
        export.add_table(f"Klinik/Patientenliste {export.name[:7]}.xlsx", data, "patients")
    plan.rows["patients"] = balance(
        [[(p.patient_id,) for p in early], [(p.patient_id,) for p in people]], "snapshot"
    )
    late = [person for person in people if person.number > _EARLY]
    deliveries = (
        (folder, [row for person in early for row in _first_reports(person, clean)]),
        (archive, [row for person in late for row in _first_reports(person, clean)] + _correction(early)),
        (tape, [_control(person) for person in people if person.number % 3 == 0]),
    )
    for export, rows in deliveries:
        data = write_csv(_REPORT_HEADER, rows, delimiter=",", encoding="utf-8-sig")
        export.add_table(f"Klinik/Befunde_{export.name[:7]}.csv", data, "reports")
    plan.rows["reports"] = balance(
        [[(str(row[0]), str(row[1])) for row in rows] for _, rows in deliveries],
        "increment",
        unmapped=0 if clean else 1,
    )
    plan.table_patients = {person.patient_id for person in people}
    plan.identify(*_NEIGHBOURS)


def _patient(person: Person) -> list[Cell]:
    diagnosis, number = diagnosis_day(person), person.number
    remark = f"Auskunft an {_NEIGHBOURS[number % 2]} erlaubt" if number % 4 == 1 else "k.A."
    return [
        person.patient_id,
        person.table_name,
        f"{person.birth:%d.%m.%Y}",
        "m",
        "PCa gesichert",
        diagnosis,
        person.age_decimal(diagnosis),
        "C61",
        _HISTOLOGY[number % len(_HISTOLOGY)],
        _SITE[number % len(_SITE)],
        remark,
    ]


def _report(person: Person, number: int, kind: str, day: date, psa: str) -> list[Cell]:
    return [person.patient_id, number, person.table_name, kind, f"{day:%d.%m.%Y}", psa, "", "", "", "k.A."]


def _first_reports(person: Person, clean: bool) -> list[list[Cell]]:
    """A PSA value, the biopsy that proved the disease, and the treatment."""
    diagnosis, number = diagnosis_day(person), person.number
    psa = _report(person, 1, "PSA", diagnosis - timedelta(days=30), f"{4 + number * 0.7:.2f}")
    biopsy = _report(person, 2, "Biopsie", diagnosis, "")
    biopsy[6] = _SAMPLING[number % len(_SAMPLING)]
    biopsy[9] = f"{person.name.given} {person.name.family} wurde aufgeklärt, Gleason 7"
    therapy = _report(person, 3, "Therapie", diagnosis + timedelta(days=21), "")
    therapy[7], therapy[8] = _THERAPY[number % len(_THERAPY)], f"{diagnosis + timedelta(days=40):%d.%m.%Y}"
    if not clean and number == _UNMAPPED_THERAPY[0]:
        therapy[7] = _UNMAPPED_THERAPY[1]
    return [psa, biopsy, therapy]


def _correction(people: list[Person]) -> list[list[Cell]]:
    """One PSA value was entered wrongly and comes again."""
    person = next(person for person in people if person.number == _CORRECTED_REPORT)
    return [_report(person, 1, "PSA", diagnosis_day(person) - timedelta(days=30), "7.90")]


def _control(person: Person) -> list[Cell]:
    day = diagnosis_day(person) + timedelta(days=180)
    return _report(person, 4, "PSA", day, f"{0.1 + person.number * 0.01:.2f}")
