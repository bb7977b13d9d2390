"""Laws of clinical files: how they are read, which rows count, and that every row has one fate."""

import csv
import io
import pickle
from collections import Counter
from datetime import datetime
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.ingest.clinical_files import Reception, TableRefusal, combine, read, refuse
from eucaim_pipelines.ingest.clinical_rows import mass_removals

BASE = {
    "name": "people",
    "files": "people*.csv",
    "delivery": "snapshot",
    "delimiter": ";",
    "missing": ["", "NA"],
    "key": ["patient"],
    "columns": {
        "Número": {"field": "patient", "is": "patient_id"},
        "Fecha": {"field": "day", "is": "date", "format": "%d/%m/%Y"},
        "Nota": {"is": "free_text"},
    },
}


def spec(**changes):
    return ClinicalFile.model_validate(BASE | changes)


def rows(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def test_cells_are_text_trimmed_and_null_where_missing():
    table = read('Número;Fecha;Nota\n P1 ;01/02/2020;"a;\nb"\n;;\nP2;NA;\n'.encode(), spec())
    assert rows(table) == [(2, None, "P1", "01/02/2020", "a;\nb"), (5, None, "P2", None, None)]


def test_columns_are_in_the_order_of_the_contract_whatever_the_file_says():
    table = read("Nota;Número;Fecha\nx;P1;01/02/2020\n".encode(), spec())
    assert table.column_names == ["#line", "#reason", "Número", "Fecha", "Nota"]
    assert rows(table) == [(2, None, "P1", "01/02/2020", "x")]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("cp1252", "Número;Fecha;Nota\nP1;;ñ\n".encode("cp1252")),
        ("utf-8", "Número;Fecha;Nota\nP1;;ñ\n".encode()),
        ("utf-8", "Número;Fecha;Nota\nP1;;ñ\n".encode("utf-8-sig")),
        ("utf-8-sig", "Nu\u0301mero;Fecha;Nota\r\nP1;;ñ\r\n".encode("utf-8-sig")),
    ],
)
def test_encodings_byte_order_marks_and_composition(encoding, data):
    assert rows(read(data, spec(encoding=encoding))) == [(2, None, "P1", None, "ñ")]


@pytest.mark.parametrize(
    ("reason", "data", "changes"),
    [
        ("TABLE_ENCODING", "Número;Fecha;Nota\nP1;;ñ\n".encode("cp1252"), {}),
        ("TABLE_ENCODING", "Número;Fecha;Nota\nP1;;ñ\n".encode(), {"encoding": "cp1252"}),
        ("TABLE_ENCODING", 'Número;Fecha;Nota\nP1;;"x\n'.encode(), {}),
        ("TABLE_ENCODING", "Número;Fecha;Nota\nP1;;\x00\n".encode(), {}),
        ("TABLE_ENCODING", b"no workbook", {"format": "xlsx"}),
        ("NO_COLUMNS", b"", {}),
        ("NO_COLUMNS", b";;\n", {}),
        ("TABLE_COLUMNS", "Número;Fecha\nP1;\n".encode(), {}),
        ("TABLE_COLUMNS", "Número;Fecha;Nota;Más\nP1;;;\n".encode(), {}),
        ("TABLE_COLUMNS", "Número;Fecha;Nota;Nota\nP1;;;\n".encode(), {}),
        ("TABLE_COLUMNS", "Número,Fecha,Nota\nP1,,\n".encode(), {}),
    ],
)
def test_a_file_that_is_not_as_its_contract_says_is_refused(reason, data, changes):
    with pytest.raises(TableRefusal) as caught:
        read(data, spec(**changes))
    assert caught.value.reason == reason
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason  # noqa: S301 - our own bytes


def test_a_refusal_names_pattern_and_missing_columns_and_nothing_of_the_file():
    with pytest.raises(TableRefusal) as caught:
        read("Número;Perez Juan\nP1;\n".encode(), spec())
    message = str(caught.value)
    assert "people*.csv" in message and "Fecha, Nota" in message
    assert "does not list: 1" in message and "Perez" not in message


def test_rows_of_another_length_or_without_key_are_kept_apart():
    table = read("Número;Fecha;Nota\nP1;\nP2;;;;\nP3;;;x\nNA;;x\n".encode(), spec())
    assert [(row[0], row[1], row[2]) for row in rows(table)] == [
        (2, "ROW_LENGTH", None),
        (3, None, "P2"),
        (4, "ROW_LENGTH", None),
        (5, "ROW_WITHOUT_KEY", None),
    ]


def test_no_key_holds_the_sign_that_separates_its_cells():
    wanted = spec(key=["patient", "day"])
    data = "Número;Fecha;Nota\nP\x1f1;2;\nP;1\x1f2;a\x1fb\nP;1;a\x1fb\n".encode()
    table = read(data, wanted)
    assert table["#reason"].to_pylist() == ["ROW_WITHOUT_KEY", "ROW_WITHOUT_KEY", None]
    assert combine([Reception("e", "people.csv", table)], wanted).counts()["ROW_CURRENT"] == 1


def test_a_workbook_reads_as_a_csv_of_the_same_contract_would():
    book = Workbook()
    book.active.title = "other"
    sheet = book.create_sheet("data")
    for cells in (
        ["Número", "Fecha", "Nota"],
        [71, datetime(2020, 2, 1), 4.5],
        [None, None, None],
        ["P2", "NA", True],
    ):
        sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    wanted = spec(format="xlsx", sheet="data", decimal=",")
    assert rows(read(buffer.getvalue(), wanted)) == [
        (2, None, "71", "01/02/2020", "4,5"),
        (4, None, "P2", None, "true"),
    ]
    with pytest.raises(TableRefusal, match="NO_COLUMNS"):
        read(buffer.getvalue(), spec(format="xlsx", sheet="absent"))


@cache
def small_workbook() -> bytes:
    """Made once: a workbook holds the time of its making, and examples must not differ by it."""
    book = Workbook()
    book.active.append(["Número", "Fecha", "Nota"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_workbook_is_refused_and_stops_nothing(data):
    damaged = bytearray(small_workbook())
    place = data.draw(st.integers(0, len(damaged) - 1))
    if data.draw(st.booleans()):
        del damaged[place:]
    else:
        damaged[place] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(damaged), spec(format="xlsx"))
    except TableRefusal as refusal:
        assert refusal.reason in ("TABLE_ENCODING", "TABLE_COLUMNS", "NO_COLUMNS")


def delivery(export, *people, name="people.csv", wanted=None):
    text = "Número;Fecha;Nota\n" + "".join(f"{person};;{export}\n" for person in people)
    return Reception(export, name, read(text.encode(), wanted or spec()))


def current(combined):
    return dict(zip(combined.rows["Número"].to_pylist(), combined.rows["Nota"].to_pylist(), strict=True))


def test_a_snapshot_replaces_the_earlier_one_and_lists_what_was_removed():
    combined = combine([delivery("e1", "P1", "P2", "P3"), delivery("e2", "P2", "P1")], spec())
    assert current(combined) == {"P1": "e2", "P2": "e2"}
    assert combined.removed == 1
    assert combined.counts() == {"ROW_CURRENT": 2, "ROW_REMOVED": 1, "ROW_REPLACED": 2}


def test_a_row_is_removed_once_however_many_snapshots_held_it():
    combined = combine([delivery("e1", "P1", "P2"), delivery("e2", "P1", "P2"), delivery("e3", "P2")], spec())
    assert combined.counts() == {"ROW_CURRENT": 1, "ROW_REMOVED": 1, "ROW_REPLACED": 3}


def test_files_of_one_export_are_one_snapshot():
    parts = [delivery("e1", "P1", name="people_a.csv"), delivery("e1", "P2", name="people_b.csv")]
    assert current(combine(parts, spec())) == {"P1": "e1", "P2": "e1"}


def test_an_increment_adds_and_replaces_by_key():
    wanted = spec(delivery="increment")
    combined = combine([delivery("e1", "P1", "P2"), delivery("e2", "P2", "P3")], wanted)
    assert current(combined) == {"P1": "e1", "P2": "e2", "P3": "e2"}
    assert combined.removed == 0
    assert combined.counts() == {"ROW_CURRENT": 3, "ROW_REPLACED": 1}


def test_equal_keys_within_one_file_are_counted_and_the_last_one_counts():
    combined = combine([delivery("e1", "P1", "P2", "P1")], spec())
    assert combined.duplicate_keys == 1
    assert combined.counts() == {"ROW_CURRENT": 2, "ROW_DUPLICATE_KEY": 1}
    assert sorted(combined.rows["#line"].to_pylist()) == [3, 4]


@pytest.mark.parametrize("people", [(), ("NA", "NA")])
def test_a_snapshot_without_a_good_row_replaces_nothing(people):
    combined = combine([delivery("e1", "P1", "P2"), delivery("e2", *people)], spec())
    assert current(combined) == {"P1": "e1", "P2": "e1"} and combined.removed == 0
    assert combined.dispositions.num_rows == 2 + len(people)


def test_a_table_of_which_only_the_header_is_left_is_refused():
    header = "Número;Fecha;Nota\n;;\n".encode()
    with pytest.raises(TableRefusal) as told:
        refuse(header, [spec()])
    assert told.value.reason == "TABLE_EMPTY"
    refuse(header + b"P1;;\n", [spec()])


def test_a_workbook_is_empty_if_all_its_sheets_are():
    def book(*people):
        made = Workbook()
        for name, cells in (("one", ()), ("two", people)):
            sheet = made.create_sheet(name)
            for row in (["Número", "Fecha", "Nota"], *([person, None, None] for person in cells)):
                sheet.append(row)
        buffer = io.BytesIO()
        made.save(buffer)
        return buffer.getvalue()

    sheets = [spec(format="xlsx", sheet=name) for name in ("one", "two")]
    with pytest.raises(TableRefusal, match="TABLE_EMPTY"):
        refuse(book(), sheets)
    refuse(book("P1"), sheets)


def test_what_a_snapshot_leaves_out_is_counted_against_the_one_before():
    some = [delivery("e1", "P1", "P2", "P3", "P9"), delivery("e2", "P1", "P2", "P3"), delivery("e3")]
    combined = combine([*some, delivery("e4", "P3", "P4", "P5", "P6")], spec())
    assert (combined.before, combined.left_out) == (3, 2)
    told = mass_removals({"people": combined})
    assert len(told) == 1 and "2 of the 3 rows" in told[0] and "P1" not in told[0]
    half = combine([delivery("e1", "P1", "P2"), delivery("e2", "P1")], spec())
    assert mass_removals({"people": half, "first": combine([delivery("e1", "P1")], spec())}) == []


def test_nothing_delivered_gives_an_empty_table_of_the_right_shape():
    combined = combine([], spec())
    assert combined.rows.column_names == ["#export", "#line", "Número", "Fecha", "Nota"]
    assert combined.counts() == {} and combined.rows.schema.field("Nota").type == pa.string()


PEOPLE = st.lists(st.sampled_from(["P1", "P2", "P3", "NA"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(deliveries=st.lists(PEOPLE, max_size=4), how=st.sampled_from(["snapshot", "increment"]))
def test_every_row_received_has_exactly_one_fate(deliveries, how):
    wanted = spec(delivery=how)
    received = [delivery(f"e{n}", *people, wanted=wanted) for n, people in enumerate(deliveries)]
    combined = combine(received, wanted)
    fates = combined.counts()
    assert sum(fates.values()) == sum(map(len, deliveries)) == combined.dispositions.num_rows
    assert fates.get("ROW_CURRENT", 0) == combined.rows.num_rows == len(current(combined))
    assert fates.get("ROW_WITHOUT_KEY", 0) == Counter(p for d in deliveries for p in d)["NA"]
    known = {person for people in deliveries for person in people} - {"NA"}
    newest = next((good for people in reversed(deliveries) if (good := set(people) - {"NA"})), set())
    assert set(current(combined)) == (known if how == "increment" else newest)
    assert combined.removed == len(known) - len(current(combined))


def columns(*headers, **more):
    """A file whose first column is the patient, the others numbers named a, b, …"""
    listed = {headers[0]: {"field": "patient", "is": "patient_id"}}
    listed |= {name: {"field": "abcdef"[n], "is": "number"} for n, name in enumerate(headers[1:])}
    return ClinicalFile.model_validate(BASE | {"columns": listed, "delimiter": ","} | more)


def test_the_header_stands_where_the_contract_says():
    data = b'"Title\nof two lines",\n\nP,X\nunits,mm\nP1,1\n'
    table = read(data, columns("P", "X", header=4, skip_lines=[5]))
    assert rows(table) == [(6, None, "P1", "1")]
    with pytest.raises(TableRefusal, match="NO_COLUMNS"):
        read(data, columns("P", "X", header=9))


def test_headers_of_one_name_and_without_a_name_have_names():
    data = b'P,,"X\n (mm)",X  (mm),\nP1,1,2,3,4\nP2,1,2,3,4\n'
    table = read(data, columns("P", "#2", "X (mm)", "X (mm)#2", "#5"))
    assert rows(table) == [(3, None, "P1", "1", "2", "3", "4"), (4, None, "P2", "1", "2", "3", "4")]


def test_a_file_without_header_has_its_places_for_names():
    table = read(b"P1,1\nP2,2\n", columns("#1", "#2", header=0))
    assert rows(table) == [(1, None, "P1", "1"), (2, None, "P2", "2")]
    with pytest.raises(TableRefusal, match="NO_COLUMNS"):
        read(b"", columns("#1", "#2", header=0))
    with pytest.raises(TableRefusal, match="TABLE_COLUMNS"):
        read(b"P1,1,2\n", columns("#1", "#2", header=0))


def test_other_columns_can_be_left_out_and_nothing_of_them_is_read():
    data = b"secret,P,,X,note,\nS,P1,?,1,N,extra\nS,P2,?,2\n"
    with pytest.raises(TableRefusal) as refused:
        read(data, columns("P", "X"))
    assert "does not list: 3" in str(refused.value)
    table = read(data, columns("P", "X", other_columns="ignore"))
    assert rows(table) == [(2, None, "P1", "1"), (3, "ROW_LENGTH", None, None)]


def test_a_missing_column_is_missing_whatever_may_be_ignored():
    with pytest.raises(TableRefusal, match="Missing columns: X") as refused:
        read(b"P,Y\nP1,1\n", columns("P", "X", other_columns="ignore"))
    assert refused.value.reason == "TABLE_COLUMNS"


def test_a_longer_row_is_refused_where_other_columns_are_ignored_too():
    """A separator within a cell that is not quoted moves all that follows: the row says something else."""
    assert rows(read(b"P,X\nP1,1,5\n", columns("P", "X", other_columns="ignore")))[0][1] == "ROW_LENGTH"


def test_nothing_is_read_from_the_footer_on():
    data = b"P,X\nP1,1\nTotals,9\nP2,2\n"
    assert len(read(data, columns("P", "X", footer=["Total"]))) == 1
    assert len(read(data, columns("P", "X", footer=["Sum"]))) == 3


def test_later_rows_of_a_patient_take_the_value_above():
    data = b"P,X,Y\nP1,1,\n,,5\nP2,,6\nP1,,7\n,2,\n"
    table = read(data, columns("P", "X", "Y", fill_down=["patient", "a"]))
    assert [row[2:] for row in rows(table)] == [
        ("P1", "1", None), ("P1", "1", "5"), ("P2", None, "6"), ("P1", "1", "7"), ("P1", "2", None),
    ]  # fmt: skip


def test_a_refused_row_is_not_filled_and_fills_nothing():
    data = b"P,X\nP1,1\nP2,2,3\n,\nP2,\n"
    table = read(data, columns("P", "X", fill_down=["patient", "a"]))
    assert rows(table) == [(2, None, "P1", "1"), (3, "ROW_LENGTH", None, None), (5, None, "P2", None)]


@pytest.mark.parametrize(
    ("changes", "cell", "expected"),
    [
        ({"pad": 4}, "7", "0007"),
        ({"pad": 2}, "1234", "1234"),
        ({"prefix": "A_"}, "7", "A_7"),
        ({"take": r"X-(\d+)_.*", "pad": 3, "prefix": "A"}, "X-07_visit 1", "A007"),
        ({"take": r"X-(\d+)"}, "07", None),
        ({"take": r"X-(\d*)"}, "X-", None),
    ],
)
def test_identifiers_become_those_of_the_images(changes, cell, expected):
    listed = {"P": {"field": "patient", "is": "patient_id", **changes}, "X": {"field": "a", "is": "number"}}
    wanted = ClinicalFile.model_validate(BASE | {"delimiter": ",", "columns": listed})
    table = read(f"P,X\n{cell},1\n".encode(), wanted)
    assert rows(table) == [(2, None if expected else "ROW_WITHOUT_KEY", expected, "1" if expected else None)]


def test_spellings_of_no_value_belong_to_the_file_or_to_one_column():
    listed = {"P": {"field": "patient", "is": "patient_id"}}
    listed |= {"X": {"field": "a", "is": "number", "missing": [999]}, "Y": {"field": "b", "is": "number"}}
    wanted = ClinicalFile.model_validate(BASE | {"delimiter": ",", "columns": listed, "missing": ["NA"]})
    assert rows(read(b"P,X,Y\nP1,999,999\nP2,NA,\n", wanted)) == [
        (2, None, "P1", None, "999"), (3, None, "P2", None, None),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "iso-8859-1"])
def test_every_encoding_that_may_be_named_is_read(encoding):
    text = "Número,X\r\nP1,ñ\r\n"
    table = read(text.encode(encoding), columns("Número", "X", encoding=encoding))
    assert rows(table) == [(2, None, "P1", "ñ")]
    if encoding == "utf-16":
        with pytest.raises(TableRefusal, match="TABLE_ENCODING"):
            read(text.encode("utf-8") + b"\xff", columns("Número", "X", encoding=encoding))


def test_quotes_can_be_letters():
    data = b'P\tX\nP1\t5"\n'
    assert rows(read(data, columns("P", "X", delimiter="\t", quotes=False))) == [(2, None, "P1", '5"')]


def test_a_workbook_of_wrong_dimensions_and_with_merged_cells_is_read_whole():
    book = Workbook()
    sheet = book.active
    for cells in (["Report"], [], ["P", "X", "X"], ["P1", 1.0, 0.1], [None, 2, True]):
        sheet.append(cells)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A4:A5")
    buffer = io.BytesIO()
    book.save(buffer)
    wanted = columns("P", "X", "X#2", format="xlsx", header=3, fill_down=["patient"])
    assert rows(read(buffer.getvalue(), wanted)) == [
        (4, None, "P1", "1", "0.1"), (5, None, "P1", "2", "true"),
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    table=st.lists(
        st.tuples(st.sampled_from(["P1", "P2", "", "NA"]), st.text('a1\n";, ', max_size=4)), max_size=8
    )
)
def test_every_row_of_any_csv_is_read_at_its_line_or_refused(table):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["P", "X"])
    writer.writerows(table)
    found = read(buffer.getvalue().encode(), columns("P", "X"))
    kept = [(p, x.strip()) for p, x in table if p.strip() or x.strip()]
    assert [row[2] for row in rows(found)] == [None if p in ("", "NA") else p for p, _ in kept]
    starts = [2 + sum(x.count("\n") for _, x in table[:n]) + n for n in range(len(table))]
    told = [start for start, (p, x) in zip(starts, table, strict=True) if p.strip() or x.strip()]
    assert found["#line"].to_pylist() == told


def test_rows_that_only_their_place_tells_apart_all_count():
    wanted = columns("P", "X", key=["patient", "occurrence"])
    table = read(b"P,X\nP1,1\nP2,1\nP1,1\nP1,2,3\n,5\nP1,\n", wanted)
    combined = combine([Reception("e1", "f", table)], wanted)
    assert combined.rows.select(["#line", "P", "X"]).to_pylist() == [
        {"#line": 2, "P": "P1", "X": "1"},
        {"#line": 4, "P": "P1", "X": "1"},
        {"#line": 7, "P": "P1", "X": None},
        {"#line": 3, "P": "P2", "X": "1"},
    ]
    assert combined.counts() == {"ROW_CURRENT": 4, "ROW_LENGTH": 1, "ROW_WITHOUT_KEY": 1}
    shorter = Reception("e2", "f", read(b"P,X\nP1,9\n", wanted))
    assert combine([Reception("e1", "f", table), shorter], wanted).removed == 3


@pytest.mark.parametrize("header", ["name", "export", "line", "reason", "file"])
def test_no_header_of_a_hospital_collides_with_ours(header):
    wanted = columns(header, "P")
    table = read(f"{header},P\nx,1\n".encode(), wanted)
    found = combine([Reception("e", "people.csv", table)], wanted)
    assert found.rows[header].to_pylist() == ["x"]
    assert found.dispositions.to_pylist() == [
        {"file": "people", "export": "e", "name": "people.csv", "line": 2, "reason": "ROW_CURRENT"}
    ]
