"""The README says of the profile exactly what the profile says."""

from collections import Counter
from pathlib import Path

from eucaim_pipelines.deidentification.rules import profile_summary

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_says_exactly_what_the_profile_says(profile):
    told = profile_summary.readme(profile)
    assert told in README.read_text(encoding="utf-8"), (
        "Put the output of `python -m eucaim_pipelines.deidentification.rules.profile_summary` "
        "into the README."
    )


def test_every_rule_is_in_one_group(profile):
    named = Counter(name for group in profile_summary.GROUPS for name in group.handlers)
    assert {row["rule"].partition(":")[0] for row in profile.rows} == set(named)
    assert set(named.values()) == {1}


def test_a_changed_rule_changes_the_readme(profile):
    rows = tuple(
        row | {"rule": "clear"} if row["keyword"] == "ConvolutionKernel" else row for row in profile.rows
    )
    changed = type(profile)(profile.name, profile.digest, rows, profile.types, profile.modules)
    assert profile_summary.readme(changed) != profile_summary.readme(profile)
    assert "ConvolutionKernel" not in profile_summary.readme(changed)


def test_reasons_of_the_evidence_have_words():
    assert profile_summary.words("private") == "private elements"
    assert profile_summary.words("private number") == "private numbers kept"
    assert profile_summary.words("date") == "dates and times of the patient"
    assert profile_summary.words("equals a kept number") == "equals a kept number"
