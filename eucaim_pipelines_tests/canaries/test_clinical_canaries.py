"""Values planted in a clinical workbook: none crosses, in cells, names or metadata; mandatory variables do.

What is planted in images is looked at in `test_canaries`.
"""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from eucaim_pipelines.cdm import coding
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.deidentification import clinical, links, sweep
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest import clinical_files
from eucaim_pipelines.release import parquet
from eucaim_pipelines_tests.canaries import plant_clinical
from eucaim_pipelines_tests.canaries.plant_clinical import CODES, DATES, Book
from eucaim_pipelines_tests.canaries.tokens import Tokens
from eucaim_pipelines_tests.whole.search import layers

pytestmark = pytest.mark.xdist_group("canaries")
SPEC = plant_clinical.specification()
KINDS = coding.kinds(SPEC)


@pytest.fixture(scope="module")
def book(tokens: Tokens) -> Book:
    return plant_clinical.workbook(tokens)


@pytest.fixture(scope="module")
def rows(book: Book) -> pa.Table:
    delivery = clinical_files.Reception("export", "people.xlsx", clinical_files.read(book.data, SPEC))
    return clinical_files.combine([delivery], SPEC).rows


@pytest.fixture(scope="module")
def coded(rows: pa.Table) -> pa.Table:
    return coding.code_records(rows, SPEC, load_all()).table


@pytest.fixture(scope="module")
def identities(rows: pa.Table) -> dict[str, frozenset[str]]:
    return coding.identities(rows, SPEC)


@pytest.fixture
def crossed(
    coded: pa.Table, identities: dict[str, frozenset[str]], pseudonyms: Pseudonyms
) -> clinical.Crossed:
    return clinical.deidentify(coded, KINDS, pseudonyms, frozenset(), identities)


def survivors(book: Book, table: pa.Table, folder: Path) -> set[str]:
    """Planted values in the Parquet file of a table: cells, names, metadata, footer, statistics."""
    path = folder / "table.parquet"
    path.write_bytes(parquet.encode(table))
    content = b"\n".join(layers(path)).upper()
    forms = {
        text: (text, f"{text[:4]}-{text[4:6]}-{text[6:]}" if text.isdigit() else text) for text in book.gone
    }
    return {
        text for text, spellings in forms.items() if any(s.upper().encode() in content for s in spellings)
    }


def test_every_value_is_in_the_workbook_as_read(book: Book, rows: pa.Table, tmp_path: Path) -> None:
    """But for those in comments, properties, other sheets and a column that is not listed: never read."""
    missing = book.gone - survivors(book, rows, tmp_path)
    assert len(missing) == 8
    assert len(book.gone) >= 30


def test_no_planted_value_crosses(book: Book, crossed: clinical.Crossed, tmp_path: Path) -> None:
    assert survivors(book, crossed.table, tmp_path) == set()
    assert sweep.find_in_tables([crossed.table], book.gone) == 0
    assert crossed.caught == 6  # psa, line, timepoint, a part of a cell, a derived field, the birth date
    assert crossed.table.column("psa").to_pylist() == [plant_clinical.PSA, None]
    assert crossed.table.column("therapy_line").to_pylist() == [plant_clinical.LINE, None]


def test_mandatory_variables_cross(book: Book, crossed: clinical.Crossed, pseudonyms: Pseudonyms) -> None:
    row = crossed.table.to_pylist()[0]
    person = pseudonyms.patient(book.patient, None, "")
    assert row["patient_id"] == person
    assert {name: row[name] for name in CODES} == {name: code for name, (_, _, code) in CODES.items()}
    moved = timedelta(days=pseudonyms.shift_days(person))
    assert {name: row[name] for name in DATES} == {name: day - moved for name, day in book.dates.items()}
    assert (row["age"], row["psa"], row["therapy_line"], row["smoker"]) == (
        *(plant_clinical.AGE_YEARS, plant_clinical.PSA, plant_clinical.LINE),
        True,
    )
    assert {name: row[name] for name in plant_clinical.KEPT} == plant_clinical.KEPT
    study = next(text for text in book.gone if text.startswith("1.2.826."))
    assert row["study"] == pseudonyms.uid(study, person)


def test_names_of_columns_and_metadata_do_not_cross(
    book: Book, coded: pa.Table, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    token = min(text for text in book.gone if text.startswith("QX"))
    field = coded.schema.field("psa").with_metadata({"note": token})
    spoilt = coded.set_column(coded.schema.get_field_index("psa"), field, coded.column("psa"))
    spoilt = spoilt.append_column(token, pa.array([1, 2])).replace_schema_metadata({token: token})
    assert token in survivors(book, spoilt, tmp_path)
    crossed = clinical.deidentify(
        spoilt, KINDS, pseudonyms, frozenset(), {book.patient: set(book.identities)}
    )
    assert survivors(book, crossed.table, tmp_path) == set()
    assert crossed.denied == 1


def test_a_header_that_the_contract_does_not_list_is_refused_and_not_quoted(
    book: Book, tokens: Tokens
) -> None:
    changed, token = load_workbook(BytesIO(book.data)), tokens.text()
    changed["Datos"]["C1"] = token
    out = BytesIO()
    changed.save(out)
    with pytest.raises(Refusal) as refused:
        clinical_files.read(out.getvalue(), SPEC)
    assert refused.value.reason == "TABLE_COLUMNS"
    assert token not in f"{refused.value} {refused.value.args}"


def test_links_of_studies_carry_no_planted_value(
    tokens: Tokens, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    strange = {name: tokens.text() for name in ("PatientID", "IssuerOfPatientID", "StudyDescription", "x")}
    uid, day = tokens.uid(), tokens.day()
    when = plant_clinical.date(int(day[:4]), int(day[4:6]), int(day[6:]))
    table = pa.Table.from_pylist(
        [
            strange
            | {"StudyInstanceUID": uid, "StudyDate": when, "days_from_diagnosis": 7, "imaging_timepoint": 1}
            | {"episode_type_code": "GEN1000008", "age_at_study_years": 61.25}
        ]
    ).replace_schema_metadata({"note": strange["x"]})
    fake = Book(b"", "", (), frozenset({*strange.values(), uid, day}), {})
    assert survivors(fake, table, tmp_path) == fake.gone
    assert survivors(fake, links.deidentify(table, pseudonyms, frozenset()), tmp_path) == set()


@pytest.mark.parametrize(
    ("broken", "out"),
    [
        ("free text is a code", 4),
        ("identities are not known", 1),
        ("rows are not crossed", 10),
        ("metadata is kept", 1),
    ],
)
def test_without_a_guard_values_cross(
    broken: str,
    out: int,
    book: Book,
    rows: pa.Table,
    coded: pa.Table,
    identities: dict[str, frozenset[str]],
    pseudonyms: Pseudonyms,
    tmp_path: Path,
) -> None:
    """Each guard is taken away, and the search finds what it held back."""
    table, kinds, known = coded, dict(KINDS), dict(identities)
    if broken == "free text is a code":
        for name in plant_clinical.TEXTS:
            table, kinds = table.append_column(name, rows.column(name)), kinds | {name: "code"}
    elif broken == "identities are not known":
        known = {}
    crossed = clinical.deidentify(table, kinds, pseudonyms, frozenset(), known).table
    if broken == "rows are not crossed":
        crossed = rows
    elif broken == "metadata is kept":
        crossed = crossed.replace_schema_metadata({"author": min(book.gone)})
    assert len(survivors(book, crossed, tmp_path)) >= out


def test_ages_from_ninety_on_are_pooled_and_come_out_if_they_are_not(
    coded: pa.Table, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    old = coded.set_column(coded.schema.get_field_index("age"), "age", pa.array([93.7, 91.2]))
    assert clinical.deidentify(old, KINDS, pseudonyms, frozenset()).table["age"].to_pylist() == [90.0, 90.0]
    broken = clinical.deidentify(old, KINDS | {"age": "number"}, pseudonyms, frozenset())
    assert broken.table["age"].to_pylist() == [93.7, 91.2]
