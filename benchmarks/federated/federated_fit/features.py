"""Rows of a regression from a materialised tree: nothing is read but the two mandatory views.

Label: radiotherapy is a person's first treatment. Features: age at diagnosis, sex, studies, series.
"""

import csv
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

RADIOTHERAPY, MALE = "CLIN1014933", "COM1001366"
FEATURES = ("intercept", "age_decades", "male", "studies", "series")
TIER = 3


class RefusedError(Exception):
    """A site takes no part; the text is one of `TIER_TOO_LOW`, `TOO_FEW_PATIENTS`, `ALTERED`."""


def admit(tree: Path, minimum_patients: int) -> None:
    """Let nobody use a tree below tier 3, of too few patients, or whose views have changed.

    Raises
    ------
    RefusedError
        With the reason, and no number.
    """
    if json.loads((tree / "release.json").read_bytes())["tier"] < TIER:
        raise RefusedError("TIER_TOO_LOW")
    sums = dict(line.split("  ")[::-1] for line in (tree / "SHA256SUMS").read_text().splitlines())
    for name in ("clinical_mandatory_view.csv", "imaging_mandatory_view.csv"):
        if hashlib.sha256((tree / name).read_bytes()).hexdigest() != sums[name]:
            raise RefusedError("ALTERED")
    if len(rows(tree / "clinical_mandatory_view.csv")) < minimum_patients:
        raise RefusedError("TOO_FEW_PATIENTS")


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a view, the prefix stripped from codes."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [{n: c.removeprefix("EUCAIM:") for n, c in row.items()} for row in csv.DictReader(stream)]


def design(tree: Path) -> tuple[np.ndarray, np.ndarray]:
    """One row of features (n, 5) and a label (n,) of each person with a diagnosis and a first treatment.

    Scales are fixed, so that no site needs to know another one's mean.
    """
    studies, series = defaultdict(set), defaultdict(set)
    for row in rows(tree / "imaging_mandatory_view.csv"):
        studies[row["patient_id"]].add(row["study_uid"])
        series[row["patient_id"]].add(row["series_uid"])
    found, labels = [], []
    for row in rows(tree / "clinical_mandatory_view.csv"):
        who, age = row["patient_id"], row["cancer_condition_age_at_diagnosis"]
        if age and row["first_treatment_type"]:
            male = float(row["patient_birth_sex"] == MALE)
            found.append((1.0, float(age) / 10 - 6, male, len(studies[who]) - 2, (len(series[who]) - 5) / 3))
            labels.append(float(row["first_treatment_type"] == RADIOTHERAPY))
    return np.array(found).reshape(-1, len(FEATURES)), np.array(labels)


def sums(tree: Path, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (5,) and Hessian (5, 5) of the negative log-likelihood, summed over the site's people."""
    x, y = design(tree)
    p = 1 / (1 + np.exp(-x @ weights))
    return x.T @ (p - y), (x * (p * (1 - p))[:, None]).T @ x
