"""Generated tables in the shapes of public collections: their headers and ways, none of their cells."""

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from openpyxl import Workbook

ROWS = 60


def lung1(path: Path) -> Path:
    """As NSCLC-Radiomics: dotted headers, stages as digits, survival in days, NA."""
    rng = random.Random(1)  # noqa: S311
    header = ["PatientID", "age", "clinical.T.Stage", "Clinical.N.Stage", "Clinical.M.Stage", "Overall.Stage",
              "Histology", "gender", "Survival.time", "deadstatus.event"]  # fmt: skip
    histology = ["large cell", "squamous cell carcinoma", "adenocarcinoma", "nos", "NA"]
    rows = [
        [f"LUNG1-{n:03}", f"{rng.uniform(40, 88):.4f}", rng.randint(1, 4), rng.randint(0, 3), 0,
         rng.choice(["I", "II", "IIIa", "IIIb"]), rng.choice(histology), rng.choice(["male", "female"]),
         rng.randint(50, 4000), rng.randint(0, 1)]
        for n in range(1, ROWS + 1)
    ]  # fmt: skip
    return _csv(path / "NSCLC-Radiomics.lung1.clinical.csv", [header, *rows])


def prostatex(path: Path) -> Path:
    """As PROSTATEx findings: several rows a patient, positions as text, TRUE and FALSE."""
    rng = random.Random(2)  # noqa: S311
    rows = [
        [f"ProstateX-{n:04}", finding, f"{rng.uniform(-40, 40):.3f} {rng.uniform(-40, 40):.3f} 12.1",
         rng.choice(["PZ", "TZ", "AS", "SV"]), rng.choice(["TRUE", "FALSE"])]
        for n in range(ROWS)
        for finding in range(1, 1 + rng.randint(1, 3))
    ]  # fmt: skip
    return _csv(path / "ProstateX-Findings-Train.csv", [["ProxID", "fid", "pos", "zone", "ClinSig"], *rows])


def tcga(path: Path) -> Path:
    """As the clinical tables of TCGA: tabs, three header lines, days counted from the diagnosis."""
    rng = random.Random(3)  # noqa: S311
    columns: dict[str, tuple[str, Callable[[], object]]] = {
        "bcr_patient_uuid": ("CDE_ID:", lambda: f"{rng.getrandbits(64):016x}-{rng.getrandbits(48):012x}"),
        "bcr_patient_barcode": ("CDE_ID:2003301", lambda: f"TCGA-{rng.getrandbits(40):010X}"),
        "birth_days_to": ("CDE_ID:3008233", lambda: -rng.randint(12_000, 30_000)),
        "gender": ("CDE_ID:2200604", lambda: rng.choice(["FEMALE", "MALE"])),
        "race": ("CDE_ID:2192199", lambda: rng.choice(["WHITE", "ASIAN", "[Not Available]"])),
        "initial_pathologic_dx_year": ("CDE_ID:2896960", lambda: rng.randint(1998, 2013)),
        "age_at_diagnosis": ("CDE_ID:3006657", lambda: rng.randint(30, 88)),
        "vital_status": ("CDE_ID:5", lambda: rng.choice(["Alive", "Dead"])),
        "er_status_by_ihc": ("CDE_ID:2957359", lambda: rng.choice(["Positive", "Negative"])),
        "histological_type": ("CDE_ID:3081934", lambda: rng.choice(
            ["Infiltrating Ductal Carcinoma", "Infiltrating Lobular Carcinoma"])),
        "ajcc_pathologic_tumor_stage": ("CDE_ID:3203222", lambda: rng.choice(
            ["Stage I", "Stage IIA", "Stage IIIB"])),
    }  # fmt: skip
    lines = [list(columns), list(columns), [about for about, _ in columns.values()]]
    lines += [[value() for _, value in columns.values()] for _ in range(ROWS)]
    return _csv(path / "nationwidechildrens.org_clinical_patient_brca.txt", lines, delimiter="\t")


def duke(path: Path) -> Path:
    """As the breast MRI of Duke: a workbook whose header is the second of three lines, codes as digits."""
    rng = random.Random(4)  # noqa: S311
    groups = [
        "Patient Information",
        "",
        "",
        "MRI Technical Information",
        "",
        "Demographics",
        "",
        "Tumor",
        "",
        "",
        "",
    ]
    header = ["Patient ID", "Days to MRI (From the Date of Diagnosis)", "Date of Birth (Days)",
              "Manufacturer", "Slice Thickness", "Menopause (at diagnosis)", "Race and Ethnicity",
              "ER", "Nottingham grade", "Tumor Location", "Surgery"]  # fmt: skip
    about = ["", "", "", "GE MEDICAL SYSTEMS=0, SIEMENS=2", "", "{0 = pre, 1 = post, 2 = N/A}",
             "{0 = N/A, 1 = white, 2 = black}", "{0 = neg, 1 = pos}", "{1=low 2=intermediate 3=high}",
             "{L = left, R = right}", "{0 = No, 1 = Yes}"]  # fmt: skip
    rows = [
        [f"Breast_MRI_{n:03}", rng.randint(0, 90), -rng.randint(12_000, 30_000), rng.choice([0, 2]), 1.1,
         rng.randint(0, 2), rng.randint(0, 2), rng.randint(0, 1), rng.randint(1, 3), rng.choice(["L", "R"]),
         rng.randint(0, 1)]
        for n in range(1, ROWS + 1)
    ]  # fmt: skip
    book = Workbook()
    for line in (groups, header, about, *rows):
        book.active.append([cell if cell != "" else None for cell in line])
    book.active.title = "Data"
    book.save(path / "Clinical_and_Other_Features.xlsx")
    return path / "Clinical_and_Other_Features.xlsx"


def _csv(path: Path, lines: Sequence[Sequence[object]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return path
