"""What a source contract may say of a clinical file, and that each mistake is told with file and line."""

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm import conditions
from eucaim_pipelines.contracts.source_files import Condition
from eucaim_pipelines.contracts.sources import ClinicalFile, load_source
from eucaim_pipelines.errors import ContractError

CONTRACT = r"""dataset_id: example
tier: 1
clinical:
  - name: people
    files: "people*.csv"
    delivery: snapshot
    header: 2
    skip_lines: [3]
    other_columns: ignore
    fill_down: [patient]
    key: [patient]
    columns:
      ID: {field: patient, is: patient_id, take: "X-(.+)", pad: 4, prefix: P}
      Age: {field: age, is: age, unit: mo}
      Seen:
        field: seen
        is: date
        format: ["%d/%m/%Y", "%m.%Y"]
        precision: month
      Relapse: {field: relapse, is: days}
      Size: {field: size, is: number, unit: cm, limits: keep}
      Grade: {field: grade, is: integer, values: {G1: 1}}
      Sex: {field: sex, is: code, vocabulary: birth_sex, values: {V: COM1001366, X: null}}
      Smoker: {field: smoker, is: boolean}
      Day: {field: day, is: ignore}
      Hour: {field: hour, is: ignore}
      Name: {field: name, is: identity}
      TNM:
        split:
          pattern: "(?P<t>T.)(?P<n>N.)"
          fields:
            t: {field: t, is: integer}
            n: {field: n, is: integer}
      Study: {field: study, is: study_uid}
      Visit: {field: visit, is: timepoint}
      Episode: {field: episode, is: episode}
    derived:
      - {field: moment, is: date, from: [day, hour], join: " ", format: "%Y-%m-%d %H"}
    tables:
      - table: tumor
        when: [size, {field: size, above: 0.5, below: 9}, {field: sex, in: [COM1001366]}]
        fields: {tumor_size_maximum_dimension: size}
      - table: cancer_condition
        when: {field: smoker, given: false}
        fields: {cancer_condition_asserted_date: seen}
      - table: adverse_event
        fields: {adverse_event_offset_from_diagnosis: relapse}
linkage: {diagnosis_date: people.seen, days_from: people.moment, timepoints: people}
checks:
  patient.patient_birth_sex.complete: {waived_until: 2027-01-31, waived_by: registry, why: Forms are coming.}
"""


def written(folder, text=CONTRACT):
    path = folder / "example.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_that_may_be_said_of_a_file_is_read(tmp_path):
    source = load_source(written(tmp_path))
    spec = source.file("people")
    assert list(spec.fields) == [
        "age", "seen", "relapse", "size", "grade", "sex", "smoker", "t", "n", "study", "visit", "episode",
        "moment",
    ]  # fmt: skip
    assert spec.sources["moment"].headers == ("Day", "Hour") and spec.sources["n"].headers == ("TNM",)
    assert spec.declared["day"] == "Day" and "t" not in spec.declared
    assert spec.columns["Seen"].formats == ("%d/%m/%Y", "%m.%Y")
    assert source.linkage.days_from == "people.moment"
    change = source.checks["patient.patient_birth_sex.complete"]
    assert (change.at_least, str(change.waived_until), change.waived_by) == (None, "2027-01-31", "registry")


def test_conditions_are_written_in_the_unit_of_the_column_and_compared_in_that_of_the_model(tmp_path):
    spec = load_source(written(tmp_path)).file("people")
    given, range_, sex = spec.tables[0].when
    assert (given.field, given.given) == ("size", True)
    assert (range_.above, range_.below) == (5.0, 90.0)
    assert sex.among == ("COM1001366",)
    assert spec.conversion("size")(2.4) == 24.0 and spec.conversion("grade")(2.4) == 2.4


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("skip_lines: [3]", "skip_lines: [2]", "lines below the header"),
        ("header: 2", "header: -1", "greater than or equal to 0"),
        ("other_columns: ignore", "other_columns: keep", "'refuse' or 'ignore'"),
        ("delivery: snapshot", "delivery: snapshot\n    delimiter: ';;'", "match pattern"),
        ("delivery: snapshot", "delivery: snapshot\n    encoding: latin1", "'iso-8859-1'"),
        ("delivery: snapshot", 'delivery: snapshot\n    thousands: "."', "thousands and decimal"),
        ("delivery: snapshot", "delivery: TODO", "still to be decided"),
        ("vocabulary: birth_sex", "vocabulary: TODO which one", "still to be decided"),
        ("{field: day, is: ignore}", "{TODO: x}", "still to be decided"),
        ("fill_down: [patient]", "fill_down: [nobody]", "'nobody' is not declared"),
        ("fill_down: [patient]", "fill_down: [t]", "part of a cell, or derived"),
        ("key: [patient]", "key: [moment]", "part of a cell, or derived"),
        ("fill_down: [patient]", "fill_down: [occurrence]", "'occurrence' is not declared"),
        ("field: day, is: ignore", "field: occurrence, is: ignore", "'occurrence' is reserved"),
        ("delivery: snapshot", "delivery: increment", "a number of a row knows none"),
        ('take: "X-(.+)"', 'take: "X-.+"', "exactly one group"),
        ('take: "X-(.+)"', 'take: "X-(.+"', "exactly one group"),
        ("is: days}", "is: days, pad: 3}", "'pad' belongs to columns that are: patient_id"),
        ("unit: mo}", "unit: months}", "unit a \\(years\\), mo \\(months\\)"),
        ("is: boolean}", "is: boolean, unit: mm}", "'unit' belongs to columns"),
        ("is: boolean}", "is: boolean, limits: keep}", "'limits' belongs to columns"),
        ("is: boolean}", 'is: boolean, format: "%Y"}', "'format' belongs to columns that are: date"),
        ("is: boolean}", "is: boolean, values: {J: 1}}", "values holds codes"),
        ("values: {G1: 1}", "values: {G1: true}", "values holds codes"),
        ("values: {G1: 1}", "values: {G1: 1.5}", "values holds codes"),
        ("is: days}", "is: days, values: {x: COM1001366}}", "values holds codes"),
        ("is: identity}", 'is: identity, separator: ";"}', "'separator' belongs to columns"),
        ("is: identity}", "is: identity, values: {a: b}}", "has no values"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d/%m/%Y", "%m/%d/%Y"]', "read one text as different days"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d%m%y", "%y%m%d"]\n        century_before: 2030', "different days"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d/%m/%Y", "%Y"]', "needs precision"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d/%m/%Y", "%m.%Q"]', "is no format of a date"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d/%m"]', "is no format of a date"),
        ('["%d/%m/%Y", "%m.%Y"]', '["%d/%m/%y", "%m.%Y"]', "century_before"),
        ("        precision: month", "        century_before: 2030", "no other does"),
        ("is: days}", "is: days, century_before: 2030}", "'century_before' belongs to columns"),
        ('["%d/%m/%Y", "%m.%Y"]', "[]", "at least 1 item"),
        ("        precision: month", "        precision: year", "belongs to a format"),
        ('pattern: "(?P<t>T.)(?P<n>N.)"', 'pattern: "(?P<t>T.)(?P<m>N.)"', "named groups are the keys"),
        ('pattern: "(?P<t>T.)(?P<n>N.)"', 'pattern: "(?P<t>T.)(?P<n>N."', "named groups are the keys"),
        ("            t: {field: t, is: integer}", "            t: {field: t, is: ignore}", "undivided"),
        ("      TNM:", "      TNM:\n        is: ignore", "no is and no field of its own"),
        ("n: {field: n, is: integer}", "n: {field: age, is: integer}", "'age' occurs twice"),
        ("from: [day, hour]", "from: [day, name]", "Nothing is derived from 'name'"),
        ("from: [day, hour]", "from: [day, patient]", "Nothing is derived from 'patient'"),
        ("from: [day, hour]", "from: [day, minute]", "'minute' is not declared"),
        ("from: [day, hour]", "from: [day, t]", "part of a cell, or derived"),
        ('from: [day, hour], join: " "', "from: [day], first_of: [hour]", "either from or first_of"),
        ('from: [day, hour], join: " "', 'first_of: [day, hour], join: " "', "join belongs to from"),
        (
            'is: date, from: [day, hour], join: " ", format: "%Y-%m-%d %H"',
            "is: ignore, from: [day, hour]",
            "A derived field is one of",
        ),
        ("above: 0.5, below: 9", "above: 0.5, given: true", "has one test"),
        ("{field: size, above: 0.5, below: 9}", "{field: size}", "has one test"),
        ("{field: size, above: 0.5, below: 9}", "{field: smoker, above: 1}", "is not above or below"),
        ("{field: size, above: 0.5, below: 9}", "{field: name, given: true}", "'name' never passes"),
        ("{field: size, above: 0.5, below: 9}", "{field: smoker, in: [1]}", "never has one of these values"),
        ("{field: size, above: 0.5, below: 9}", "{field: size, not_in: [big]}", "never has one of these"),
        ("in: [COM1001366]", "in: [COM1]", "'COM1' is not a code of the vocabulary 'birth_sex'"),
        ("maximum_dimension: size}", "maximum_dimension: relapse}", "counted from the diagnosis"),
        ("{tumor_size_maximum_dimension: size}", "{tumor_size_maximum_dimension: visit}", "does not fit"),
        (
            "{adverse_event_offset_from_diagnosis: relapse}",
            "{adverse_event_date: relapse}",
            "Map it to 'adverse_event_offset_from_diagnosis'",
        ),
        ("{tumor_size_maximum_dimension: size}", "{tumor_id: size}", "no field 'tumor_id' that a source"),
        ("from_diagnosis: relapse}", "from_diagnosis: grade}", "is filled by a field that is: days"),
        ("from_diagnosis: relapse}", "from_diagnosis: {constant: 9}}", "its only constant is 0"),
        ("asserted_date: seen}", "age_at_diagnosis: size}", "is filled by a field that is: age"),
        ("asserted_date: seen}", "age_at_diagnosis: grade}", "is filled by a field that is: age"),
        ("asserted_date: seen}", "age_at_diagnosis: {constant: 93}}", "not the same for every row"),
        ("unit: cm, limits", "unit: kg, limits", "'kg' cannot be converted to 'mm', the unit of this"),
        ("unit: cm, limits", "unit: centimetres, limits", "is not a unit of UCUM"),
        ("timepoints: people}", "timepoints: nobody}", "is not a clinical file with a column is: study_uid"),
        ("days_from: people.moment", "days_from: people.relapse", "'people.relapse' is not a declared date"),
        (", waived_by: registry", "", "A waiver has a day"),
        ("waived_until: 2027-01-31, waived_by: registry, ", "", "A change has at_least, or waived_until"),
        ("waived_until: 2027-01-31", "waived_until: 31/01/2027", "valid date"),
        (" why: Forms are coming.", "", "'why' is missing"),
        ("tier: 1", "tier: 1\nimaging: {harmonised: {Axial: NOTHING1}}", "vocabulary 'series_description'"),
        ("tier: 1", "tier: 1\nannotations: {labels: {Leber: NOTHING1}}", "vocabulary 'segment_label'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(tmp_path, before, after, words):
    assert CONTRACT.count(before) == 1 or before == "delivery: snapshot"
    text = CONTRACT.replace(before, after, 1)
    if "knows none" in words:
        text = text.replace("key: [patient]", "key: [patient, occurrence]")
        after = "key: [patient, occurrence]"
    path = written(tmp_path, text)
    with pytest.raises(ContractError, match=words) as told:
        load_source(path)
    assert told.value.file == str(path)
    at = text.index("tumor_size_maximum_dimension" if "unit of this" in words else after)
    changed = text[:at].count("\n") + 1 if after else told.value.line
    # an error is told at the key itself, or at the block that holds it
    assert told.value.line is not None and blocks(text, changed, told.value.line)


def blocks(text, changed, line):
    """Whether a line is one of the changed one, its neighbours of the same change, or a block around it."""
    lines = text.splitlines()
    if abs(line - changed) <= 1:
        return True
    indent = [len(row) - len(row.lstrip(" -")) for row in lines]
    return line < changed and indent[line - 1] < indent[changed - 1] + 2


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ({"given": True}, 5, True),
        ({"given": True}, None, False),
        ({"given": False}, None, True),
        ({"in": ["A", "EUCAIM:B"]}, "B", True),
        ({"in": ["A"]}, None, False),
        ({"not_in": ["A"]}, "B", True),
        ({"not_in": ["A"]}, "A", False),
        ({"not_in": [1]}, None, False),
        ({"above": 2}, 2, False),
        ({"above": 2}, 2.1, True),
        ({"below": 2}, 1, True),
        ({"above": 1, "below": 3}, 2, True),
        ({"above": 1, "below": 3}, 3, False),
        ({"above": 1}, None, False),
    ],
)
def test_what_a_condition_asks(condition, value, holds):
    asked = Condition.model_validate({"field": "x"} | condition)
    kind = pa.string() if isinstance(value, str) or condition.get("in") else None
    records = pa.table({"x": pa.array([value], kind or pa.float64())})
    assert conditions.holds([asked], records).to_pylist() == [holds]


def test_a_condition_is_a_name_one_test_or_several():
    def when(written):
        mapping = {"table": "tumor", "when": written, "fields": {}}
        base = {"name": "f", "files": "f", "delivery": "snapshot", "key": ["p"], "columns": {}}
        columns = {"P": {"field": "p", "is": "patient_id"}}
        spec = ClinicalFile.model_validate(base | {"columns": columns, "tables": [mapping]})
        return spec.tables[0].when

    one = {"field": "a", "in": ["x"]}
    assert when("a") == (Condition.model_validate({"field": "a", "given": True}),)
    assert when(one) == (Condition.model_validate(one),)
    assert when(["a", one]) == when("a") + when(one)


def test_a_workbook_tells_its_dates_with_whole_years(tmp_path):
    """Written with two digits, a true date of 1925 would be read as one of 2025."""
    text = CONTRACT.replace("        precision: month\n", "        century_before: 2030\n")
    text = text.replace("delivery: snapshot", "delivery: snapshot\n    format: xlsx")
    short, whole = '["%d/%m/%y"]', '["%d/%m/%Y", "%d/%m/%y"]'
    with pytest.raises(ContractError, match="whole years"):
        load_source(written(tmp_path, text.replace('["%d/%m/%Y", "%m.%Y"]', short)))
    load_source(written(tmp_path, text.replace('["%d/%m/%Y", "%m.%Y"]', whole)))
