"""The dictionary page is that of the contracts, and the choices are those of the value sets."""

import shutil

import pytest

from eucaim_pipelines.cli.dictionary import FILE, page_of
from eucaim_pipelines.contracts import folder, vocabularies
from eucaim_pipelines.contracts.choices import load_choices
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError

TABLES, VOCABULARIES = load_tables(), vocabularies.load_all()


def test_the_committed_page_is_that_of_the_contracts():
    written = (folder() / FILE).read_text(encoding="utf-8")
    assert written == page_of(None), "Run `make dictionary`."


def test_the_page_names_every_column_rule_and_code():
    page = page_of(None)
    for name, table in TABLES.items():
        section = page.split(f"### {name}\n", 1)[1].split("\n### ", 1)[0]
        assert all(field in section for field in table.fields)
        assert all(f"`{rule.id}`" in section for rule in table.rules)
    for vocabulary in VOCABULARIES.values():
        assert all(f"`{code}`" in page for code in vocabulary.codes)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("kind,where", "sort,where", "columns are not"),
        ("code,modality", "code,modalities", "no such kind"),
        ("IMG1000042|IMG1004455", "IMG1000042|IMG1000026", "said to be chosen"),
        ("IMG1000026|IMG1000030", "IMG1000026|IMG1000042", "said to be refused"),
        ('DCAT-AP v2.0 against EGA schemas"', 'x",more', "one too many"),
    ],
)
def test_a_wrong_choice_is_refused_with_file_and_line(tmp_path, before, after, words):
    path = tmp_path / "choices.csv"
    shutil.copy(folder() / "choices.csv", path)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ContractError, match=words) as caught:
        load_choices(VOCABULARIES, TABLES, tmp_path)
    assert caught.value.file == str(path)
    assert caught.value.line == text[: text.index(before)].count("\n") + 1
