"""Clinical tables of demo_lung_ct: cp1252, semicolons, decimal commas, day-first dates, NA, Spanish.

Snapshots of patients, of lines of treatment, and of timepoints (EUCAIM's link file). No images here.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from eucaim_pipelines.demo.objects import Study
from eucaim_pipelines.demo.people import Person
from eucaim_pipelines.demo.plan import DatasetPlan, Export
from eucaim_pipelines.demo.tables import Cell, balance, decimal_comma, write_csv

DIAGNOSIS_YEAR = 2023
_WITHDRAWN_LINE, _TWICE = (8, 2), (17, 1)
_HISTOLOGY = ("ADC", "Ca. escamoso", "adenocarcimoma", "ADC", "Ca. célula pequeña", "Cel. grande")
_UNMAPPED_HISTOLOGY = {10: "adenocarcinona?", 20: "pdte."}
_SITE = ("LSD", "LSI", "LID", "LII", "LM", "LSD")
_METHOD = ("BAG", "PAAF", "Broncoscopia", "BAG")
_TNM = (
    ("T1c N0 M0", "IA3"), ("T2aN0M0", "IB"), ("T3 N1 M0", "IIIA"), ("T2b N2 M0", "IIIA"), ("T4N3M1c", "IVB"),
)  # fmt: skip
_SMOKING = ("Nunca fumador", "Fumador activo", "Exfumador", "ex-fumador")
_UNMAPPED_SMOKING = {9: "lo dejó hace 10 a."}
_BELOW_THE_LIMIT = 14
_LINES = (
    ("Cirugía", "Lobectomía", "NA", "NA", "NA", "RC", "NA", "NA"),
    ("QT", "NA", "Carboplatino", "NA", "NA", "RP", "Anemia", "2"),
    ("RT", "NA", "NA", "IMRT", "60,0", "EE", "Neumonitis", "1"),
    ("Inmunoterapia", "NA", "Pembrolizumab", "NA", "NA", "RP", "Astenia", "1"),
    ("QT", "NA", "Vinorelbina", "NA", "NA", "PE", "NA", "NA"),
)
"""Kind, operation, drug, technique, dose, response, adverse event and its grade."""
_PATIENT_HEADER = (
    "NHC", "Apellidos y nombre", "Sexo", "F. nacimiento", "Teléfono", "Grupo", "Fecha dx", "Fecha AP",
    "Método AP", "Edad dx", "Diagnóstico", "Histología", "Localización", "TNM", "Estadio", "Tamaño (mm)",
    "ECOG", "Tabaquismo", "Paq/año", "PD-L1 (%)", "EGFR", "Éxitus", "Últ. contacto", "Comentarios",
)  # fmt: skip
_TREATMENT_HEADER = (
    "NHC", "Paciente", "Línea", "Tratamiento", "Fecha inicio", "Intervención", "Fármaco", "Técnica RT",
    "Dosis (Gy)", "Respuesta", "Toxicidad", "Grado tox.", "Observaciones",
)  # fmt: skip
_LINK_HEADER = ("PatientID", "StudyInstanceUID", "StudyDate", "StudyDescription", "Episode", "Timepoint")
_NEVER_SCANNED, _NEVER_EXPORTED_STUDY = 30, 30_000_013_055_170_001
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
        unmapped=0 if clean else len(_UNMAPPED_HISTOLOGY) + len(_UNMAPPED_SMOKING),
    )
    _add_treatments(plan, people, clean)
    plan.table_patients = {person.patient_id for person in people}
    plan.identify(*_RELATIVES, *(_relative_phone(person) for person in people))


def _path(export: Export, name: str) -> str:
    return f"datos_clinicos/{name}_{export.name[:7].replace('-', '')}.csv"


def _patient(person: Person, clean: bool) -> list[Cell]:
    diagnosis, number = diagnosis_day(person), person.number
    histology = _HISTOLOGY[number % len(_HISTOLOGY)]
    smoking = _SMOKING[number % len(_SMOKING)]
    expression = decimal_comma(float(number * 13 % 90))
    if not clean:
        histology = _UNMAPPED_HISTOLOGY.get(number, histology)
        smoking = _UNMAPPED_SMOKING.get(number, smoking)
        expression = "<1" if number == _BELOW_THE_LIMIT else expression
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
        *_TNM[number % len(_TNM)],
        12 + number * 7 % 50,
        number % 3,
        smoking,
        "NA" if number % 4 == 0 else decimal_comma(20.0 + number),
        "NA" if number % 5 == 0 else expression,
        "Mut." if number % 6 == 0 else "WT",
        "S" if number % 9 == 0 else "N",
        f"{diagnosis + timedelta(days=420 + number):%d/%m/%Y}",
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
    if not clean:
        final = [row for row in final if not _is_line(row, people, _WITHDRAWN_LINE)]
        final += [row for row in final if _is_line(row, people, _TWICE)]
    deliveries = []
    for export, rows in ((folder, early), (tape, final)):
        data = write_csv(_TREATMENT_HEADER, rows, delimiter=";", encoding="cp1252")
        export.add_table(_path(export, "tratamientos"), data, "treatments")
        deliveries.append([(str(row[0]), str(row[2])) for row in rows])
    plan.rows["treatments"] = balance(deliveries, "snapshot")


def _treatments(person: Person) -> list[list[Cell]]:
    """One row per line of treatment; only the first is filled in completely."""
    start = _first_treatment(person)
    rows: list[list[Cell]] = []
    for line in range(1, 2 + person.number % 3):
        kind, *details, response, toxicity, grade = _LINES[(person.number + line) % len(_LINES)]
        day = start + timedelta(days=95 * (line - 1))
        full = line == 1
        rows.append(
            [
                person.patient_id,
                person.table_name if full else "",
                line,
                kind,
                f"{day:%d/%m/%Y}",
                *details,
                response if full else "NA",
                toxicity,
                grade,
                f"Comentado con {person.name.given} {person.name.family}" if full else "",
            ]
        )
    return rows


def add_links(plan: DatasetPlan, people: list[Person], studies: Sequence[Study], clean: bool) -> None:
    """Add the link file to the first and the last export: episode and timepoint of every study by then.

    One row names a study that was never exported.
    """
    folder, _, tape = plan.exports[:3]
    by_person: dict[int, list[Study]] = {}
    for study in sorted(studies, key=lambda study: study.day):
        by_person.setdefault(study.person.number, []).append(study)
    rows = [
        _link(study, timepoint)
        for _, own in sorted(by_person.items())
        for timepoint, study in enumerate(own, start=1)
    ]
    early = [row for row in rows if row[5] == 1]
    if not clean:
        patient = next(person for person in people if person.number == _NEVER_SCANNED)
        day = f"{diagnosis_day(patient):%d/%m/%Y}"
        uid = f"1.3.12.2.1107.5.1.4.{_NEVER_EXPORTED_STUDY}"
        plan.identify(uid)
        rows.append([patient.patient_id, uid, day, "TC DE TÓRAX CON CONTRASTE", "Diagnosis", 1])
    deliveries = []
    for export, known in ((folder, early), (tape, rows)):
        data = write_csv(_LINK_HEADER, known, delimiter=";", encoding="cp1252")
        export.add_table(_path(export, "imaging_timepoints"), data, "timepoints")
        deliveries.append([(str(row[0]), str(row[1])) for row in known])
    plan.rows["timepoints"] = balance(deliveries, "snapshot")


def _link(study: Study, timepoint: int) -> list[Cell]:
    episode = "Treatment" if study.day >= _first_treatment(study.person) else "Diagnosis"
    return [
        study.person.patient_id,
        study.uid,
        f"{study.day:%d/%m/%Y}",
        study.description,
        episode,
        timepoint,
    ]


def _first_treatment(person: Person) -> date:
    return diagnosis_day(person) + timedelta(days=24 + person.number % 9)


def _is_line(row: list[Cell], people: list[Person], which: tuple[int, int]) -> bool:
    number, line = which
    ids = {person.patient_id for person in people if person.number == number}
    return row[0] in ids and row[2] == line
