"""Every problem is told by one check, and every check of problems keeps a dataset from Tier 3."""

import re

from eucaim_pipelines.annotations.problems import Problem
from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.rules import ANNOTATIONS
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import load_tiers

CONTRACTS = load_tables()
TOLD = {
    rule.id: set(re.findall(r"'([A-Z_]+)'", rule.query))
    for rule in CONTRACTS["segmentation_series"].rules
    if rule.query and ANNOTATIONS in rule.needs
}


def test_every_problem_is_told_by_one_check() -> None:
    told = [problem for problems in TOLD.values() for problem in problems]
    assert sorted(told) == sorted(problem.value for problem in Problem)


def test_tier_3_asks_that_there_is_none() -> None:
    tiers = load_tiers(folder() / "tiers.yaml", known_checks(CONTRACTS))
    asked = next(each for each in tiers.tiers[3].requirements if each.id == "annotations_in_dicom_seg")
    assert dict(asked.checks) == dict.fromkeys([*TOLD, "image_study.annotations_are_segmentations"], 1)
