"""A clinical table of a million rows through the whole command, `eucaim run`, as a hospital would deliver it.

The peer of the same run is pandas reading the same file: dates parsed, repeated keys dropped. Prints a table
and asserts nothing about time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

DATASET = "rows"
SOURCE = """\
dataset_id: rows
tier: 3
clinical:
  - name: labs
    files: "labs*.csv"
    delivery: snapshot
    format: csv
    encoding: utf-8
    delimiter: ";"
    key: [patient, number]
    columns:
      "patient": {field: patient, is: patient_id}
      "number": {field: number, is: integer}
      "creatinine": {field: creatinine, is: number}
      "day": {field: day, is: date, format: "%d/%m/%Y"}
    tables:
      - table: lab_test_result
        fields:
          lab_test_code: {constant: CLIN1033482}
          lab_test_value_as_number: creatinine
          lab_test_value_unit: {constant: COM1001981}
          lab_test_date: day
"""
STAGES = {
    "restricted/received_files": "received and hashed",
    "restricted/clinical_records": "read, typed and coded; every row in the book of rows",
    "restricted/study_links": "linked",
    "deidentified/clinical_records": "de-identified",
    "cdm/adverse_event": "mapped to the common data model",
    "tier_1_checks": "checked, judged, reported and swept, three tiers",
}
"""First step of each stage, in the order of a run."""


def main() -> None:
    """Make a site, run it, print seconds by stage."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    rows = options.parse_args().rows
    with tempfile.TemporaryDirectory() as place:
        site = Path(place)
        table = _site(site, rows)
        started = time.perf_counter()
        frame = pd.read_csv(table, sep=";", dtype={"patient": str})
        frame["day"] = pd.to_datetime(frame["day"], format="%d/%m/%Y")
        frame = frame.drop_duplicates(["patient", "number"], keep="last")
        peer = time.perf_counter() - started
        seconds = _run(site)
    in_the_model = sum(list(seconds.values())[:-1])
    for stage, taken in seconds.items():
        print(f"{stage:56} {taken:6.1f} s")
    print(f"{'from delivery to the common data model':56} {in_the_model:6.1f} s")
    print(f"{f'pandas, the same file ({len(frame):,} rows)':56} {peer:6.1f} s")
    print(f"ratio {in_the_model / peer:.1f}")


def _site(site: Path, rows: int) -> Path:
    draw = np.random.default_rng(1)
    export = site / "landing" / DATASET / "2026-01"
    export.mkdir(parents=True)
    day = np.datetime64("2012-01-01") + draw.integers(0, 3650, rows)
    frame = pd.DataFrame(
        {
            "patient": [f"P{row // 10:06d}" for row in range(rows)],
            "number": np.arange(rows) % 10,
            "creatinine": (draw.random(rows) * 9).round(2),
            "day": pd.Series(day).dt.strftime("%d/%m/%Y"),
        }
    )
    frame.to_csv(export / "labs.csv", sep=";", index=False)
    (export.parent / "2026-01._COMPLETE").write_text("2026-01-31T12:00:00+00:00")
    (site / "sources").mkdir()
    (site / "sources" / f"{DATASET}.yaml").write_text(SOURCE)
    places = ("landing", "release", "restricted", "sources")
    (site / "settings.yaml").write_text(
        "dagster_home: home\nkey_file: key\n" + "".join(f"{name}: {name}\n" for name in places)
    )
    return export / "labs.csv"


def _run(site: Path) -> dict[str, float]:
    """Seconds by stage, from the lines that a run prints as it goes. It ends with 1: no image, no tier."""
    eucaim = [str(Path(sys.executable).with_name("eucaim"))]
    told = os.environ | {"EUCAIM_SETTINGS": str(site / "settings.yaml")}
    keygen = [*eucaim, "keygen", str(site / "key")]
    subprocess.run(keygen, env=told, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    seconds: dict[str, float] = {}
    with subprocess.Popen(  # noqa: S603
        [*eucaim, "run", DATASET], env=told, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as run:
        stage, began = "", time.perf_counter()
        for line in run.stderr or ():
            if line.strip() in STAGES:
                now = time.perf_counter()
                seconds |= {stage: now - began} if stage else {}
                stage, began = STAGES[line.strip()], now
    return seconds | {stage: time.perf_counter() - began}


if __name__ == "__main__":
    main()
