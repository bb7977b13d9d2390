"""Clinical tables of demo_lung_ct: cp1252, semicolons, decimal commas, day-first dates, NA, Spanish.

Two snapshots: one row per patient, and one row per line of treatment. No images here.
"""

from datetime import date, timedelta

from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan, Export
from eucaim_pipelines.demo.tables import Cell, balance, decimal_comma, write_csv

DIAGNOSIS_YEAR = 2023
_WITHDRAWN_LINE, _TWICE = (8, 2), (17, 1)
_HISTOLOGY = ("ADC", "Ca. escamoso", "adenocarcimoma", "ADC", "Ca. célula pequeña", "Cel. grande")
_UNMAPPED_HISTOLOGY = {10: "adenocarcinona?", 20: "pdte."}
_SITE = ("LSD", "LSI", "LID", "LII", "LM", "LSD")
_METHOD = ("BAG", "PAAF", "Broncoscopia", "BAG")
_LINES = (
    ("Cirugía", "NA", "RC"),
    ("QT", "NA", "RP"),
    ("RT", "60,0", "EE"),
    ("Inmunoterapia", "NA", "RP"),
    ("QT", "NA", "PE"),
)
_PATIENT_HEADER = (
    "NHC", "Apellidos y nombre", "Sexo", "F. nacimiento", "Teléfono", "Grupo", "Fecha dx", "Fecha AP",
    "Método AP", "Edad dx", "Diagnóstico", "Histología", "Localización", "Paq/año", "Comentarios",
)  # fmt: skip
_TREATMENT_HEADER = (
    "NHC", "Paciente", "Línea", "Tratamiento", "Fecha inicio", "Dosis (Gy)", "Respuesta", "Observaciones",
)  # fmt: skip
_RELATIVES = ("Visitación Ferrandis Company", "Aurelio Montesinos Revert", "Desamparados Climent Estellés")


def diagnosis_day(person: Person) -> date:
    """Day of the diagnosis; all of them in one year."""
    return date(DIAGNOSIS_YEAR, 1, 9) + timedelta(days=person.number * 11)


def add_tables(plan: DatasetPlan, people: list[Person], clean: bool) -> None:
    """Add both snapshots to the first and the last export, the patients to the second one too."""
    folder, archive, tape = plan.exports[:3]
    for export, limit in ((folder, 22), (archive, 26), (tape, 99)):
        known = [person for person in people if person.number <= limit]
        rows = [_patient(person, clean) for person in known]
        data = write_csv(_PATIENT_HEADER, rows, delimiter=";", encoding="cp1252")
        export.add_table(_path(export, "pacientes"), data, "patients")
    plan.rows["patients"] = balance(
        [[(p.patient_id,) for p in people if p.number <= limit] for limit in (22, 26, 99)],
        "snapshot",
        unmapped=0 if clean else len(_UNMAPPED_HISTOLOGY),
    )
    _add_treatments(plan, people, clean)
    plan.table_patients = {person.patient_id for person in people}
    plan.identify(*_RELATIVES, *(_relative_phone(person) for person in people))


def _path(export: Export, name: str) -> str:
    return f"datos_clinicos/{name}_{export.name[:7].replace('-', '')}.csv"


def _patient(person: Person, clean: bool) -> list[Cell]:
    diagnosis, number = diagnosis_day(person), person.number
    histology = _HISTOLOGY[number % len(_HISTOLOGY)]
    if not clean:
        histology = _UNMAPPED_HISTOLOGY.get(number, histology)
    return [
        person.patient_id,
        person.table_name,
        "M" if person.sex == "F" else "V",
        f"{person.birth:%d/%m/%Y}",
        person.phone,
        "Ca. pulmón",
        f"{diagnosis:%d/%m/%Y}",
        f"{diagnosis + timedelta(days=3):%d/%m/%Y}",
        _METHOD[number % len(_METHOD)],
        decimal_comma(person.age_decimal(diagnosis)),
        "CP-01",
        histology,
        _SITE[number % len(_SITE)],
        "NA" if number % 4 == 0 else decimal_comma(20.0 + number),
        _comment(person),
    ]


def _comment(person: Person) -> str:
    if person.number % 3 == 0:
        relative = _RELATIVES[person.number % len(_RELATIVES)]
        return f"Acompañante: {relative}, tel. {_relative_phone(person)}"
    if person.number % 3 == 1:
        return f"{person.name.given} {person.name.family} prefiere visitas por la tarde; no llamar al trabajo"
    return "NA"


def _relative_phone(person: Person) -> str:
    return f"961 {204_000 + person.number * 37}"


def _add_treatments(plan: DatasetPlan, people: list[Person], clean: bool) -> None:
    folder, _, tape = plan.exports[:3]
    early = [row for person in people if person.number <= 22 for row in _treatments(person)]
    final = [row for person in people for row in _treatments(person)]
    final = [row for row in final if not _is_line(row, people, _WITHDRAWN_LINE)]
    if not clean:
        final += [row for row in final if _is_line(row, people, _TWICE)]
    deliveries = []
    for export, rows in ((folder, early), (tape, final)):
        data = write_csv(_TREATMENT_HEADER, rows, delimiter=";", encoding="cp1252")
        export.add_table(_path(export, "tratamientos"), data, "treatments")
        deliveries.append([(str(row[0]), str(row[2])) for row in rows])
    plan.rows["treatments"] = balance(deliveries, "snapshot")


def _treatments(person: Person) -> list[list[Cell]]:
    """One row per line of treatment; only the first is filled in completely."""
    start = diagnosis_day(person) + timedelta(days=24 + person.number % 9)
    rows: list[list[Cell]] = []
    for line in range(1, 2 + person.number % 3):
        kind, dose, response = _LINES[(person.number + line) % len(_LINES)]
        day = start + timedelta(days=95 * (line - 1))
        full = line == 1
        rows.append(
            [
                person.patient_id,
                person.table_name if full else "",
                line,
                kind,
                f"{day:%d/%m/%Y}",
                dose,
                response if full else "NA",
                f"Comentado con {person.name.given} {person.name.family}" if full else "",
            ]
        )
    return rows


def _is_line(row: list[Cell], people: list[Person], which: tuple[int, int]) -> bool:
    number, line = which
    ids = {person.patient_id for person in people if person.number == number}
    return row[0] in ids and row[2] == line
