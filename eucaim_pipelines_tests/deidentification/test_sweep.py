"""The sweep finds what a plain search finds, however identities share their beginnings, ends and parts."""

import re

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eucaim_pipelines.deidentification import sweep

WORDS = st.text("ab1.^- ä", max_size=12)
"""Few signs, so that identities share beginnings and ends and lie within each other."""
IDENTITIES = st.sets(st.one_of(st.text("ab1.", min_size=4, max_size=9), WORDS), max_size=12)


def plainly(blob: bytes, identities: set[str]) -> int:
    """Every form of every identity by itself, with a regular expression of its own."""
    forms = set()
    for text in (each.strip() for each in identities):
        if len(text) < sweep.SHORTEST:
            continue
        for encoding in ("utf-8", "latin-1", "utf-16-le"):
            form = re.escape(text.encode(encoding))
            if re.search(rb"(?<![0-9A-Za-z.])" + form + rb"(?![0-9A-Za-z]|\.[0-9])", blob):
                forms.add(text.encode(encoding))
    return len(forms)


@settings(max_examples=500)
@given(IDENTITIES, st.lists(WORDS, max_size=20), st.sampled_from(["utf-8", "latin-1", "utf-16-le"]))
@example({"aaaaaa", "aaaaaab", "aaaaaa.1"}, ["aaaaaa.1", "aaaaaab"], "utf-8")
@example({"abcdef"}, ["abcdef"], "utf-8")
@example({"abcdef"}, ["abcde"], "utf-8")
def test_in_bytes(identities: set[str], words: list[str], encoding: str) -> None:
    blob = " ".join([*words, *sorted(identities)[::2]]).encode(encoding)
    assert sweep.find_identities([blob], identities) == plainly(blob, identities)


@settings(max_examples=200)
@given(IDENTITIES, st.lists(WORDS, min_size=1, max_size=20))
def test_in_tables(identities: set[str], cells: list[str]) -> None:
    cells = [*cells, *sorted(identities)[::2]]
    short = {text.strip() for text in identities if 3 <= len(text.strip()) < sweep.SHORTEST}
    expected = plainly("\n".join([*cells, "text"]).encode(), identities) + len(short & set(cells))
    assert sweep.find_in_tables([pa.table({"text": cells})], identities) == expected


def test_a_table_that_is_searched_in_pieces_counts_each_identity_once(monkeypatch) -> None:
    monkeypatch.setattr(sweep, "_CELLS", 3)
    cells = [f"HOSP-{number:06d} and ab1" for number in range(100)] * 2 + ["ab1"]
    identities = {*(f"HOSP-{number:06d}" for number in range(0, 300, 3)), "ab1", "HOSP-0"}
    assert sweep.find_in_tables([pa.table({"text": cells})] * 2, identities) == 2 * (34 + 1)


PREFIXES = ["HOSP-", "ACC2023", "1.2.826.0.1.", "2.25.1", "Muñoz, "]
ALIKE = st.builds("{}{}".format, st.sampled_from(PREFIXES), st.text("01.", max_size=6))
"""Identities of one hospital: all begin alike, and one is often the beginning of another."""


@settings(max_examples=300)
@given(
    st.sets(ALIKE, max_size=30), st.lists(ALIKE, max_size=30), st.sampled_from([" ", "\n", '","', "/", "."])
)
def test_identities_that_begin_alike(identities: set[str], words: list[str], between: str) -> None:
    text = between.join([*words, *sorted(identities)[::3]])
    for blob in (text.encode(), text.encode("utf-16-le")):
        assert sweep.find_identities([blob], identities) == plainly(blob, identities)


def test_texts_at_any_depth_and_of_any_kind() -> None:
    schema = pa.schema(
        [
            pa.field("HOSP-1", pa.int64(), metadata={"description": "as HOSP-2"}),
            pa.field("plain", pa.string()),
            pa.field("large", pa.large_string()),
            pa.field("coded", pa.dictionary(pa.int8(), pa.string())),
            pa.field(
                "some", pa.list_(pa.struct([("code", pa.string()), ("more", pa.large_list(pa.string()))]))
            ),
        ],
        metadata={"contract": "of HOSP-3"},
    )
    nested = [{"code": "HOSP-7", "more": ["ab1", None, "HOSP-8"]}, None, {"code": None, "more": None}]
    row = {"HOSP-1": 1, "plain": "HOSP-4", "large": "HOSP-5", "coded": "HOSP-6", "some": nested}
    empty = dict.fromkeys(row)
    batches = [pa.Table.from_pylist([each], schema=schema) for each in (empty, row, row)]
    identities = {*(f"HOSP-{number}" for number in range(1, 10)), "ab1"}
    assert sweep.find_in_tables([pa.concat_tables(batches)], identities) == 8 + 1
    for number in range(1, 9):
        assert sweep.find_in_tables([pa.concat_tables(batches)], {f"HOSP-{number}"}) == 1
