"""The holder's own report names every defect that was planted: what it is, and where it was seen."""

import hashlib
import html
import re

import pyarrow as pa
import pytest

from eucaim_pipelines.quality import checks
from eucaim_pipelines.quality.plan import planned
from eucaim_pipelines.report.content import LocalDetail
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.pointers import RECORDS, Origins, resolve
from eucaim_pipelines_tests.quality.defects import defects
from eucaim_pipelines_tests.quality.golden import CONTRACTS, VOCABULARIES, clean
from eucaim_pipelines_tests.report.test_page import make

pytestmark = pytest.mark.xdist_group("planted")

RULES = {rule.id: rule for rule in planned(CONTRACTS)}
PLANTED = list(defects(list(RULES.values())))
FIRST = 20
"""Patients before this one have no defect."""
PEOPLE = FIRST + len(PLANTED)
SOURCE = hashlib.sha256(b"a file").hexdigest()


@pytest.fixture(scope="module")
def places() -> dict[str, str]:
    """Check to what the page says beneath it; the defect of a check lies in a patient of its own."""
    golden = clean(PEOPLE)
    for number, (_, plant) in enumerate(PLANTED):
        plant(golden, FIRST + number)
    views = golden.views()
    outcome = checks.run(list(RULES.values()), views, CONTRACTS, VOCABULARIES)
    images = views["instances"]
    keys = pa.array([f"object-{row}" for row in range(images.num_rows)])
    at = images.column_names.index("object_key") if "object_key" in images.column_names else None
    images = (
        images.append_column("object_key", keys) if at is None else images.set_column(at, "object_key", keys)
    )
    people = sorted({row["patient_id"] for row in golden.tables["patient"]})
    rows = [
        {"patient_id": who, "record_id": f"{line:016x}", "file": "people", "export": "2026-01", "line": line}
        for line, who in enumerate(people, 2)
    ]
    records = pa.Table.from_pylist(rows, schema=RECORDS)
    pointers = resolve(outcome.results, Origins(records, images, dict.fromkeys(keys.to_pylist(), SOURCE)))
    page = html.unescape(
        render(
            make(people=PEOPLE, findings=outcome.findings),
            LocalDetail(files=[], rows=[], unmapped=[], unknown_terms=[], pointers=pointers),
        ).decode()
    ).replace("<wbr>", "")
    parts = re.split(r"<h4>(?=Where )", page)[1:]
    return {re.search(r'<p class="small"><code>([^<]+)</code>', part)[1]: part for part in parts}  # type: ignore[index]


@pytest.mark.parametrize(("number", "check"), list(enumerate(check for check, _ in PLANTED)))
def test_a_defect_is_named_with_its_sentence_and_its_place(
    number: int, check: str, places: dict[str, str]
) -> None:
    told = places[check]
    assert re.sub(r"\b[Ss]ome\b", "all", RULES[check].sentence) in re.sub(r"\b([Ss]ome|All)\b", "all", told)
    who = {f"patient-{FIRST + number}", f"absent-{FIRST + number}"}
    named = set(re.findall(r'<th scope="row"><code>([^<]+)</code>', told))
    assert named & who or named == {"–"}, "the patient, but where an entry belongs to nobody"
    if named & who:
        assert "people, line" in told or f"file {SOURCE[:16]}" in told or "no row and no file" in told
