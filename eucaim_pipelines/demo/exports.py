"""Writes the demo exports of the three holders and the truth beside them.

What the datasets hold is planned in lung.py, prostate.py and breast.py.
"""

import json
from collections.abc import Callable
from pathlib import Path

from eucaim_pipelines.demo import breast, lung, prostate
from eucaim_pipelines.demo.packing import write_export
from eucaim_pipelines.demo.plan import DatasetPlan
from eucaim_pipelines.demo.truth import expected
from eucaim_pipelines.errors import EucaimError

SEED = 20_260_115
PLANS: dict[str, Callable[[int, bool], DatasetPlan]] = {
    lung.DATASET: lung.plan,
    prostate.DATASET: prostate.plan,
    breast.DATASET: breast.plan,
}


class DemoExistsError(EucaimError):
    """The folder already holds exports; they are never overwritten."""

    def __init__(self) -> None:
        super().__init__("The folder already holds a landing zone. Choose another one, or remove it first.")


def write_exports(folder: Path, *, clean: bool = False, seed: int = SEED) -> None:
    """Write `folder`/landing/<dataset>/<export> for three datasets, and `folder`/truth.json.

    Equal seeds give equal bytes. With `clean`, no defect is planted and every dataset reaches tier 3.

    Raises
    ------
    DemoExistsError
        When `folder`/landing exists.
    """
    landing = folder / "landing"
    if landing.exists():
        raise DemoExistsError
    datasets = {}
    for dataset_id, make_plan in PLANS.items():
        plan = make_plan(seed, clean)
        (landing / dataset_id).mkdir(parents=True)
        for export in plan.exports:
            write_export(landing / dataset_id, export)
        datasets[dataset_id] = expected(plan)
    truth = json.dumps({"seed": seed, "clean": clean, "datasets": datasets}, indent=1, ensure_ascii=False)
    (folder / "truth.json").write_text(truth + "\n", encoding="utf-8")
