"""No planted identity is anywhere but in landing and restricted: bytes are searched, packed ones unpacked."""

import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eucaim_pipelines_tests.whole.conftest import Run
from eucaim_pipelines_tests.whole.search import Search, dates_pattern, layers

pytestmark = pytest.mark.xdist_group("demo")
PRIVATE = {"landing", "restricted", "truth.json"}
NAMES = (
    "Größenbrunner, Hans-Jörg",
    "ΒΟΥΓΙΟΥΚΛΉ^ΕΛΠΊΔΑ",
    "吉村^健一",
    "+34 684 522309",
    "C/ Mossèn Cabrelles 222",
)


def outside(folder: Path) -> Iterator[Path]:
    """Files of a site that others may see, and those of Dagster."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).parts[0] not in PRIVATE:
            yield path


def test_no_identity_occurs_outside_landing_and_restricted(demo: Run) -> None:
    identities = {text for truth in demo.truth.values() for text in truth["identities"]}
    search = Search(identities)
    looked: Counter[str] = Counter()
    found = {}
    for path in outside(demo.site.folder):
        looked[path.suffix] += 1
        hits = [text for layer in layers(path) for text in search.found(layer)]
        if hits:
            found[path.relative_to(demo.site.folder).as_posix()] = len(hits)
    assert found == {}
    assert looked[".dcm"] >= sum(truth["instances"] for truth in demo.truth.values())
    assert {".parquet", ".json", ".jsonld", ".html", ".csv", ".db", ".err", ".out"} <= set(looked)
    assert len(identities) > 4000


def test_no_birth_date_occurs_outside_landing_and_restricted(demo: Run) -> None:
    dates = dates_pattern({day for truth in demo.truth.values() for day in truth["birth_dates"]})
    found = [
        path.relative_to(demo.site.folder).as_posix()
        for path in outside(demo.site.folder)
        if any(dates.search(layer) for layer in layers(path))
    ]
    assert found == []


def test_no_identity_was_printed(demo: Run) -> None:
    search = Search({text for truth in demo.truth.values() for text in truth["identities"]})
    dates = dates_pattern({day for truth in demo.truth.values() for day in truth["birth_dates"]})
    said = "\n".join(demo.site.said).encode()
    assert b"files read" in said
    assert search.found(said) == set()
    assert dates.search(said) is None


def _in_parquet(path: Path, text: str) -> None:
    column = pa.array([[{"label": text}]] * 50)
    pq.write_table(pa.table({"segments": column}), path, compression="zstd", write_statistics=False)


def _in_parquet_metadata(path: Path, text: str) -> None:
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"note": text}), path)


def _in_deflated_dicom(path: Path, text: str) -> None:
    meta = b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.1.99"
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(b"\x10\0\x10\0PN\x10\0" + text.encode()) + packer.flush()
    head = bytes(128) + b"DICM\x02\0\0\0UL\x04\0" + len(meta).to_bytes(4, "little")
    path.write_bytes(head + meta + packed)


def _in_long_row_of_sqlite(path: Path, text: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE events (body TEXT, packed BLOB)")
        for start in range(4000, 4200, 3):  # somewhere among these the text lies across two pages
            database.execute("INSERT INTO events (body) VALUES (?)", ("x" * start + text + "y" * 900,))
    database.close()


def _deflated_in_sqlite(path: Path, text: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute("CREATE TABLE snapshots (body BLOB)")
        database.execute(
            "INSERT INTO snapshots VALUES (?)", (zlib.compress(b'{"job": "' + text.encode() + b'"}'),)
        )
    database.close()


def _in_json(path: Path, text: str) -> None:
    path.write_text(
        '{"message": "' + text.encode("ascii", "backslashreplace").decode() + '"}', encoding="ascii"
    )


@pytest.mark.parametrize("text", NAMES)
@pytest.mark.parametrize(
    "plant",
    [
        _in_parquet,
        _in_parquet_metadata,
        _in_deflated_dicom,
        _in_long_row_of_sqlite,
        _deflated_in_sqlite,
        _in_json,
    ],
)
def test_the_search_sees_what_is_packed(
    plant: Callable[[Path, str], None], text: str, tmp_path: Path
) -> None:
    plant(tmp_path / "file", text)
    search = Search([*NAMES, *(f"1.2.3.4.{number}" for number in range(10_000, 12_000))])
    assert {hit for layer in layers(tmp_path / "file") for hit in search.found(layer)} == {text}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größenbrunner, Hans-Jörg", "latin-1"),
        ("Größenbrunner, Hans-Jörg", "utf-16-le"),
        ("ΒΟΥΓΙΟΥΚΛΉ^ΕΛΠΊΔΑ", "iso8859-7"),
        ("吉村^健一", "iso2022_jp"),
        ("吉村^健一", "utf-16-be"),
        ("+34 684 522309", "ascii"),
    ],
)
def test_the_search_sees_every_encoding_at_any_place(text: str, encoding: str) -> None:
    search = Search(NAMES)
    form = text.encode(encoding)
    for before, after in ((b"", b""), (b"A1", b"9"), (bytes(7), bytes(1)), (b"\xff" * 65_536, b"\xff")):
        assert search.found(before + form + after) == {text}
        assert search.found(before + form[:-2] + after) == set()


def test_a_planted_identity_in_a_copy_of_the_release_is_found(demo: Run, tmp_path: Path) -> None:
    truth = demo.truth["demo_breast_mg"]
    one = next(text for text in truth["identities"] if "^" in text and text.isascii() is False)
    source = demo.site.release / demo.site.objects("demo_breast_mg", 1)[0]
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(source.read_bytes()[:-2] + one.encode("utf-8"))
    search = Search(truth["identities"])
    assert one in {hit for layer in layers(copy) for hit in search.found(layer)}
    dates = dates_pattern(truth["birth_dates"])
    copy.write_bytes(source.read_bytes() + b"\x10\0\x30\0DA\x08\0" + truth["birth_dates"][0].encode())
    assert any(dates.search(layer) for layer in layers(copy))


def test_a_planted_identity_in_a_name_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "吉村^健一.dcm").write_bytes(b"")
    found = {
        hit for path in tmp_path.iterdir() for layer in layers(path) for hit in Search(NAMES).found(layer)
    }
    assert found == {"吉村^健一"}
