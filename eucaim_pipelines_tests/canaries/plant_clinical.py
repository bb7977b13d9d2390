"""A clinical workbook with a value that occurs once in every kind of column, in headers, sheets and comments.

Its path through reading, coding and the crossing is walked in `test_clinical_canaries`.
"""

from datetime import date
from io import BytesIO
from typing import NamedTuple

from openpyxl import Workbook  # type: ignore[import-untyped]
from openpyxl.comments import Comment  # type: ignore[import-untyped]

from eucaim_pipelines.contracts.source_model import ClinicalFile
from eucaim_pipelines_tests.canaries.tokens import Tokens

CODES = {
    "population": ("Grupo", "Patient with Cancer", "COM1001087"),
    "birth_sex": ("Sexo", "Female", "COM1001370"),
    "procedure": ("Método AP", "Biopsy", "CLIN1001712"),
    "topography": ("Localización", "Prostate", "BP1000021"),
    "histology": ("Histología", "Mucinous adenocarcinoma", "CLIN1046936"),
    "imaging_procedure": ("Protocolo", "Computed tomography", "IMG1000026"),
    "treatment_type": ("Tratamiento", "Lobectomy", "CLIN1004599"),
}
"""Vocabulary of each coded column: its header, a label and the label's code."""
DATES = {"detected": "F. radiología", "confirmed": "F. AP", "treated": "F. tratamiento", "seen": "F. control"}
IDENTITIES = ("Nombre", "Teléfono", "F. nacimiento", "Correo")
TEXTS = ("Comentarios", "Informe")
AGE_YEARS, PSA, LINE = 61.3, 4.25, 2
KEPT = {"days": -14, "moment": 3, "episode": "GEN1000008", "t_stage": 2, "n_stage": 1, "marks": 7}
"""Fields of the further kinds (days, timepoint, episode, parts of a cell, derived) and what they hold."""


def specification() -> ClinicalFile:
    """What the source contract says of the workbook: every mandatory variable, and what must not pass."""
    columns: dict[str, dict[str, str]] = {"NHC": {"field": "patient", "is": "patient_id"}}
    columns |= {name: {"is": "identity"} for name in IDENTITIES}
    columns |= {
        header: {"field": name, "is": "code", "vocabulary": name} for name, (header, *_) in CODES.items()
    }
    columns |= {header: {"field": name, "is": "date"} for name, header in DATES.items()}
    columns |= {"Edad dx": {"field": "age", "is": "age"}, "PSA": {"field": "psa", "is": "number"}}
    columns |= {
        "Línea": {"field": "therapy_line", "is": "integer"},
        "Fuma": {"field": "smoker", "is": "boolean"},
    }
    columns |= {"Comentarios": {"is": "free_text"}, "Informe": {"field": "report", "is": "free_text"}}
    columns |= {"Cama": {"is": "ignore"}, "Visita": {"field": "visit", "is": "integer"}}
    parts = {"t": {"field": "t_stage", "is": "integer"}, "n": {"field": "n_stage", "is": "integer"}}
    further: dict[str, dict[str, object]] = {
        "Días": {"field": "days", "is": "days"},
        "Momento": {"field": "moment", "is": "timepoint"},
        "Episodio": {"field": "episode", "is": "episode"},
        "TNM": {"split": {"pattern": "T(?P<t>.+)N(?P<n>.+)", "fields": parts}},
        "Mes": {"field": "month", "is": "ignore"},
        "Estudio": {"field": "study", "is": "study_uid"},
    }
    return ClinicalFile.model_validate(
        {"name": "people", "files": "*.xlsx", "delivery": "snapshot", "format": "xlsx", "sheet": "Datos"}
        | {"key": ["patient", "visit"], "columns": columns | further, "other_columns": "ignore"}
        | {"derived": [{"field": "marks", "is": "number", "from": ["month"]}]}
    )


class Book(NamedTuple):
    """The workbook, the values in it that must be gone, and the dates of the first row by field."""

    data: bytes
    patient: str
    identities: tuple[str, ...]
    gone: frozenset[str]
    dates: dict[str, date]


def workbook(tokens: Tokens) -> Book:
    """Two rows of one patient: one as it should be, one with a value of a person in every column."""
    patient, names = (
        tokens.number(),
        [tokens.text(), tokens.number(), tokens.day(), f"{tokens.text()}@example.org"],
    )
    days = {field: tokens.day() for field in DATES}
    good: list[object] = [
        patient,
        *names,
        *(label for _, label, _ in CODES.values()),
        *(_iso(day) for day in days.values()),
    ]
    good += [AGE_YEARS, PSA, LINE, True, tokens.text(), tokens.text(), tokens.text(), 1]
    good += [-14, 3, "Diagnosis", "T2N1", 7, tokens.uid(), tokens.text()]
    strange: list[object] = [
        patient,
        *names,
        *(tokens.text() for _ in CODES),
        _iso(names[2]),
        names[2],
        tokens.text(),
        patient,
    ]
    strange += [
        tokens.text(),
        int(patient),
        int(names[1]),
        tokens.text(),
        *(tokens.text() for _ in range(3)),
        2,
    ]
    strange += [_iso(tokens.day()), int(patient), tokens.text(), f"T{patient}N{tokens.text()}"]
    strange += [int(names[1]), f"1.2.{tokens.text()}", tokens.text()]
    book = Workbook()
    sheet = book.active
    sheet.title = "Datos"
    unlisted = tokens.text()
    for row in ([*specification().columns, unlisted], good, strange):
        sheet.append(row)
    notes = [tokens.text() for _ in range(5)]
    sheet["A2"].comment = Comment(notes[0], notes[1])
    book.properties.creator, book.properties.title = notes[2], notes[3]
    book.create_sheet(notes[4]).append([notes[4]])
    book["Datos"].sheet_properties.codeName = notes[4]
    out = BytesIO()
    book.save(out)
    plain = {str(cell) for cell in (*good, *strange)}
    kept = {str(value) for value in (AGE_YEARS, PSA, LINE, True, 1, 2, -14, 3, 7, "Diagnosis", "T2N1")}
    kept |= {label for _, label, _ in CODES.values()}
    found_days = {field: date(int(day[:4]), int(day[4:6]), int(day[6:])) for field, day in days.items()}
    return Book(
        out.getvalue(),
        patient,
        tuple(names),
        frozenset({*plain, *notes, unlisted, *days.values()} - kept),
        found_days,
    )


def _iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"
