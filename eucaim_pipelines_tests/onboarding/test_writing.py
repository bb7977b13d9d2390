"""What is written is read back as it was meant, whatever letters a table holds."""

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from eucaim_pipelines.onboarding.drafts import ColumnDraft, FileDraft, SourceDraft, ValueDraft
from eucaim_pipelines.onboarding.writing import quoted, scalar, written

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(ANY)
@example("\x1b[2J\u202e\x9b")
def test_a_text_is_read_back_and_can_be_shown(text):
    assert yaml.safe_load(quoted(text)) == text
    assert quoted(text).isprintable()


@given(st.one_of(ANY, st.booleans(), st.integers(-9, 9), st.none(), st.lists(ANY, max_size=3)))
@example("no")
@example("NULL")
def test_a_value_is_read_back(value):
    found = yaml.safe_load(scalar(value))
    assert found == value and type(found) is type(value)


@given(ANY, ANY, ANY)
def test_headers_spellings_and_comments_break_nothing(header, spelling, comment):
    column = ColumnDraft(
        header, "code", "x", "histology", (ValueDraft(spelling, "TODO", comment),), comment=comment
    )
    file = FileDraft("f", {"files": "a*.csv"}, ("x",), (column,), (), (comment,))
    read = yaml.safe_load(written(SourceDraft("d", "TODO", (file,), {}, comments=(comment,))))
    assert list(read["clinical"][0]["columns"]) == [header]
    assert read["clinical"][0]["columns"][header]["values"] == {spelling: "TODO"}


def test_only_the_holder_knows_the_century_of_a_year_of_two_digits():
    for form, said in (("%d.%m.%y", {"century_before": "TODO"}), ("%d.%m.%Y", {})):
        column = ColumnDraft("Day", "date", "day", formats=(form,))
        file = FileDraft("f", {"files": "a*.csv"}, ("day",), (column,), ())
        read = yaml.safe_load(written(SourceDraft("d", "TODO", (file,), {})))
        [found] = read["clinical"][0]["columns"].values()
        assert found == {"field": "day", "is": "date", "format": form} | said
