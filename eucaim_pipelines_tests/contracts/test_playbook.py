"""The playbook for a new source: its example is a contract, and it names every key that may be written."""

import re

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.source_columns import Column, Derived, Split
from eucaim_pipelines.contracts.source_files import ClinicalFile, Condition, TableMapping
from eucaim_pipelines.contracts.source_model import Annotations, CheckChange, Imaging, Linkage
from eucaim_pipelines.contracts.sources import load_source

PAGE = (folder() / "README.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("## A new source") : PAGE.index("## De-identification of one source")]


def test_the_example_is_a_contract(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    path = tmp_path / "my_dataset.yaml"
    path.write_text(example, encoding="utf-8")
    spec = load_source(path).file("patients")
    assert spec.conversion("size")(2.5) == 25.0
    assert spec.tables[2].fields["tumor_marker_test_value_unit"].constant == "COM1000156"


@pytest.mark.parametrize(
    "model",
    [
        Annotations,
        ClinicalFile,
        Column,
        Derived,
        Split,
        TableMapping,
        Condition,
        Linkage,
        Imaging,
        CheckChange,
    ],
    ids=lambda model: model.__name__,
)
def test_every_key_is_named(model):
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if not re.search(rf"\b{key}\b", SECTION)} == set()


def test_every_kind_is_explained():
    kinds = Column.model_fields["kind"].annotation.__args__
    told = set(re.findall(r"`(\w+)`", SECTION))
    assert set(kinds) - told == set()


def test_it_is_a_page():
    assert len(SECTION.split()) < 1100
