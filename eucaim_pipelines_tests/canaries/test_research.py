"""What research and EUCAIM need comes out as it went in, in every encoding, beside planted values.

Clinical variables are looked at in `test_clinical_canaries`.
"""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

from eucaim_pipelines.deidentification.dates import parse_date
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.options import SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.dicom.tables import read_rows
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.canaries import breaking, raw
from eucaim_pipelines_tests.canaries.plant_kinds import finished, smallest
from eucaim_pipelines_tests.canaries.planting import BINARY, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element
from eucaim_pipelines_tests.canaries.searching import survivors
from eucaim_pipelines_tests.canaries.tokens import Tokens

pytestmark = pytest.mark.xdist_group("canaries")
ATTRIBUTES = read_rows(Path(__file__).parent / "research.csv")
SERIES_ONLY = {"ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfSeriesRelatedInstances"}
REPLACED = {"PatientID", "StudyInstanceUID", "SeriesInstanceUID", "AcquisitionDate", "Location"}
MAPPED = {"StudyDescription": "TORAX C/C", "SeriesDescription": "t2 tse ax"}
MAPS = SourceMaps({"TORAX C/C": "CT thorax with contrast", "t2 tse ax": "T2 axial"})
MANDATORY = {"Modality", "BodyPartExamined", "Manufacturer", "PatientAge"}
ANNOTATION = {
    "SegmentNumber",
    "SegmentLabel",
    "SegmentDescription",
    "SegmentAlgorithmType",
    "SegmentAlgorithmName",
}
"""Facts of EUCAIM's handbook, minimum metadata: imaging and annotation."""


def tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag


def element(keyword: str, value: str, syntax: str) -> Element:
    vr = dictionary_VR(tag_of(keyword))
    if vr not in BINARY:
        return raw.text(vr, value)
    number = float if vr in ("FL", "FD") else int
    return raw.number(vr, BINARY[vr], *map(number, value.split("\\")), syntax=syntax)


def examined(tokens: Tokens, syntax: str) -> Planted:
    """One object with every attribute, and tokens where a person is named."""
    planter = Planter(tokens, syntax)
    item = smallest(planter, "1.2.840.10008.5.1.4.1.1.2")
    for row in ATTRIBUTES:
        where = item
        for keyword in filter(None, row["inside"].split(".")):
            known = where.setdefault(tag_of(keyword), Element("SQ", [{}])).value
            assert isinstance(known, list)
            where = known[0]
        where[tag_of(row["keyword"])] = element(row["keyword"], row["value"], syntax)
    for keyword, value in MAPPED.items():
        item[tag_of(keyword)] = raw.text("LO", value)
    item[0x00080022] = raw.text("DA", "20190604")
    for tag, vr in ((0x00100030, "DA"), (0x00080080, "LO"), (0x00080090, "PN"), (0x00101040, "LO")):
        planter.put(item, tag, vr)
    return finished(planter, item, "research")


def there(ds: Dataset, inside: str) -> Dataset:
    for keyword in filter(None, inside.split(".")):
        ds = ds[keyword].value[0]
    return ds


def changed(planted: Planted, output: bytes) -> set[str]:
    """Attributes that are not as they were."""
    ds, found = pydicom.dcmread(BytesIO(output)), set()
    for row in ATTRIBUTES:
        entry = there(ds, row["inside"])._dict.get(tag_of(row["keyword"]))  # type: ignore[call-overload]
        if entry is None or entry.value != element(row["keyword"], row["value"], planted.syntax).value:
            found.add(row["keyword"])
    return found


@pytest.fixture(params=raw.SYNTAXES)
def planted(request: pytest.FixtureRequest, tokens: Tokens) -> Planted:
    return examined(tokens, request.param)


def test_every_research_attribute_keeps_its_value(
    planted: Planted, profile: Profile, pseudonyms: Pseudonyms, subject: Subject
) -> None:
    output = Deidentifier(profile, pseudonyms, MAPS).deidentify_verified(planted.data, subject).data
    assert changed(planted, output) == set()
    assert len({row["keyword"] for row in ATTRIBUTES}) >= 54
    assert survivors(planted, output) == set()


def test_mandatory_variables_of_images_and_annotations_are_there(
    planted: Planted, profile: Profile, pseudonyms: Pseudonyms, subject: Subject
) -> None:
    output = Deidentifier(profile, pseudonyms, MAPS).deidentify(planted.data, subject).data
    ds = pydicom.dcmread(BytesIO(output))
    assert {row["keyword"] for row in ATTRIBUTES} >= MANDATORY | ANNOTATION
    assert subject.pseudonym == ds.PatientID
    days, received = pseudonyms.shift_days(subject.pseudonym), parse_date("20190604")
    assert received is not None
    assert parse_date(ds.AcquisitionDate) == received - timedelta(days=days)
    assert (ds.StudyDescription, ds.SeriesDescription) == ("CT thorax with contrast", "T2 axial")


def test_every_column_of_eucaims_series_table_is_looked_at(shared: Path) -> None:
    text = (shared / "eucaim" / "dicom_metadata_columns.txt").read_text(encoding="utf-8")
    columns = set(text.splitlines()[1].split(","))
    assert columns - SERIES_ONLY - REPLACED - set(MAPPED) <= {row["keyword"] for row in ATTRIBUTES}


@pytest.mark.parametrize("handler", ["number", "terms", "pattern", "time", "age", "vocabulary", "label"])
def test_an_attribute_that_a_rule_no_longer_keeps_is_noticed(
    handler: str, profile: Profile, pseudonyms: Pseudonyms, subject: Subject, tokens: Tokens
) -> None:
    rows = [row | {"rule": "clear"} if breaking.handler(row) == handler else row for row in profile.rows]
    planted = examined(tokens, raw.EXPLICIT)
    engine = Deidentifier(replace(profile, rows=tuple(rows), digest="broken"), pseudonyms)
    try:
        made = engine.deidentify(planted.data, subject)
    except Refusal as refused:  # an object without Rows or Photometric Interpretation is none
        assert (refused.reason, handler in ("number", "terms")) == ("MALFORMED", True)
    else:
        assert changed(planted, made.data)
