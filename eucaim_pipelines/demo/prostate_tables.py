"""Clinical tables of demo_prostate_mr: a workbook of patients and an increment of reports, in German.

The workbook is a snapshot, twice; the increment is UTF-8 with BOM and commas, one row per report.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan
from eucaim_pipelines.demo.tables import Cell, balance, write_csv, write_xlsx

_PATIENT_HEADER = (
    "Pat-Nr.", "Name", "Geb.-Datum", "Geschlecht", "Kollektiv", "Erstdiagnose", "Alter bei ED", "ICD-10",
    "Histologie", "Lokalisation", "cT", "Gleason", "ISUP", "PCa in der Familie", "Begleiterkrankungen",
    "Bemerkung",
)  # fmt: skip
_REPORT_HEADER = (
    "Pat-Nr.", "Lfd.Nr.", "Patient", "Art", "Datum", "PSA ng/ml", "Kreatinin mg/dl", "Entnahme", "PI-RADS",
    "Läsion mm", "Lage", "Therapie", "Therapiebeginn", "Dosis Gy", "R-Status", "Befundtext",
)  # fmt: skip
_STAGE = ("cT1c", "cT2a", "cT2c", "cT3a")
_GLEASON = (("3+4=7a", 2), ("3+3=6", 1), ("4+3=7b", 3), ("4+4=8", 4), ("4+5=9", 5))
_RELATIVE = ("k.A.", "Vater", "k.A.", "Bruder", "k.A.")
_COMORBIDITY = ("BPH; Fettstoffwechselstörung", "BPH", "k.A.", "BPH; Niereninsuffizienz")
_DOSE = {"RTx": "78", "Brachy": "145"}
_HISTOLOGY = ("Azinäres Adeno-Ca", "Adeno-Ca o.n.A.", "Adeno-Ca o.n.A.", "duktales Ca")
_SITE = ("PZ", "TZ", "PZ", "Prostata")
_SAMPLING = ("Stanzbiopsie perineal", "Stanzbiopsie transrektal", "Fusionsbiopsie")
_THERAPY = ("RPE", "RTx", "ADT", "AS", "Brachy")
_UNMAPPED_THERAPY = (16, "Bestralung")
_UNMAPPED_MARGIN = (15, "R1?")
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
    listed = [[(p.patient_id,) for p in early], [(p.patient_id,) for p in people]]
    plan.rows["patients"] = balance(listed, "snapshot")
    plan.rows["comorbidities"] = balance(listed, "snapshot")  # of the same workbook
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
        unmapped=0 if clean else 2,
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
        _STAGE[number % len(_STAGE)],
        *_GLEASON[number % len(_GLEASON)],
        _RELATIVE[number % len(_RELATIVE)],
        _COMORBIDITY[number % len(_COMORBIDITY)],
        remark,
    ]


def _report(person: Person, number: int, kind: str, day: date, **cells: Cell) -> list[Cell]:
    """One row of the reports; `cells` are what it tells, by the first word of their column."""
    told = {"Befundtext": "k.A."} | cells
    row: list[Cell] = [person.patient_id, number, person.table_name, kind, f"{day:%d.%m.%Y}"]
    return row + [told.get(name.split()[0].replace("-", "_"), "") for name in _REPORT_HEADER[len(row) :]]


def _first_reports(person: Person, clean: bool) -> list[list[Cell]]:
    """A PSA value, the magnetic resonance, the biopsy that proved the disease, and the treatment."""
    diagnosis, number = diagnosis_day(person), person.number
    before = diagnosis - timedelta(days=30)
    creatinine = f"{0.8 + number % 5 * 0.1:.1f}"
    return [
        _report(person, 1, "PSA", before, PSA=f"{4 + number * 0.7:.2f}", Kreatinin=creatinine),
        _report(
            person,
            2,
            "Biopsie",
            diagnosis,
            Entnahme=_SAMPLING[number % len(_SAMPLING)],
            Befundtext=f"{person.name.given} {person.name.family} wurde aufgeklärt, Gleason 7",
        ),
        _therapy(person, clean),
        _report(
            person,
            5,
            "MRT",
            diagnosis - timedelta(days=14),
            PI_RADS=3 + number % 3,
            Läsion=7 + number % 15,
            Lage="TZ" if number % 4 == 1 else "PZ",
        ),
    ]


def _therapy(person: Person, clean: bool) -> list[Cell]:
    diagnosis, number = diagnosis_day(person), person.number
    therapy = _THERAPY[number % len(_THERAPY)]
    margin = ("R1" if number % 3 == 0 else "R0") if therapy == "RPE" else ""
    dose = _DOSE.get(therapy, "")
    if not clean:
        therapy = _UNMAPPED_THERAPY[1] if number == _UNMAPPED_THERAPY[0] else therapy
        margin = _UNMAPPED_MARGIN[1] if number == _UNMAPPED_MARGIN[0] else margin
    return _report(
        person,
        3,
        "Therapie",
        diagnosis + timedelta(days=21),
        Therapie=therapy,
        Therapiebeginn=f"{diagnosis + timedelta(days=40):%d.%m.%Y}",
        Dosis=dose,
        R_Status=margin,
    )


def _correction(people: list[Person]) -> list[list[Cell]]:
    """One PSA value was entered wrongly and comes again."""
    person = next(person for person in people if person.number == _CORRECTED_REPORT)
    return [_report(person, 1, "PSA", diagnosis_day(person) - timedelta(days=30), PSA="7.90")]


def _control(person: Person) -> list[Cell]:
    day = diagnosis_day(person) + timedelta(days=180)
    return _report(person, 4, "PSA", day, PSA=f"{0.1 + person.number * 0.01:.2f}")
