"""A large invented cohort as it looks after the crossing: header inventory, clinical table, study links.

Nothing is measured here. All values are drawn from a seed, so that two runs meet the same data.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.release.object_tables import instances_schema

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
FIRST_DAY = np.datetime64("2012-01-02")
SERIES_PER_STUDY = 4
SOURCE = """
dataset_id: cohort
tier: 3
catalogue: {title: Invented cohort, description: Invented rows for a benchmark.}
imaging: {body_part_when_missing: BP1000067}
clinical:
  - name: patients
    files: "patients*.csv"
    delivery: snapshot
    missing: ["", NA]
    key: [patient]
    columns:
      patient_id: {field: patient, is: patient_id}
      sex: {field: sex, is: code, vocabulary: birth_sex, values: {F: COM1001370, M: COM1001366}}
      population: {field: population, is: code, vocabulary: population, values: {case: COM1001087}}
      diagnosis_date: {field: diagnosis_date, is: date}
      age: {field: age_at_diagnosis, is: age}
      diagnosis: {field: diagnosis, is: code, vocabulary: cancer_condition, values: {C34: CLIN1000065}}
      site: {field: topography, is: code, vocabulary: topography, values: {RUL: BP1000268, RML: BP1000277}}
      biopsy_date: {field: biopsy_date, is: date}
      treatment:
        {field: treatment, is: code, vocabulary: treatment_type, values: {CT: CLIN1024528, RT: CLIN1014933}}
      treatment_date: {field: treatment_date, is: date}
    tables:
      - table: patient
        fields: {patient_birth_sex: sex, patient_diagnostic_category: population}
      - table: cancer_condition
        when: diagnosis_date
        fields:
          cancer_condition_code: diagnosis
          cancer_condition_asserted_date: diagnosis_date
          cancer_condition_age_at_diagnosis: age_at_diagnosis
          cancer_condition_type: {constant: COM1000017}
          cancer_condition_topography: topography
      - table: procedure
        when: biopsy_date
        fields: {procedure_code: {constant: CLIN1001712}, procedure_date: biopsy_date}
      - table: treatment
        when: treatment_date
        fields: {treatment_type: treatment, treatment_start_date: treatment_date}
linkage: {diagnosis_date: patients.diagnosis_date, treatment_date: patients.treatment_date}
"""


@dataclass(frozen=True)
class Cohort:
    """`table` is a clinical CSV file, `instances` the inventory: one row per series, as one object each."""

    table: Path
    instances: pa.Table


def write(folder: Path, patients: int, series: int, seed: int = 20261127) -> Cohort:
    """A cohort of this size, its clinical table written to `folder`."""
    random = np.random.default_rng(seed)
    people = np.array([f"P{number:07d}" for number in range(patients)])
    ages = np.round(random.uniform(40, 85, patients), 1)
    diagnosed = FIRST_DAY + random.integers(0, 3000, patients)
    path = folder / "patients.csv"
    sexes = np.where(random.random(patients) < 0.5, "F", "M")
    _clinical(path, people, sexes, ages, diagnosed, random)
    return Cohort(path, _instances(people, sexes, ages, diagnosed, series, random))


def _clinical(
    path: Path,
    people: np.ndarray,
    sexes: np.ndarray,
    ages: np.ndarray,
    diagnosed: np.ndarray,
    random: np.random.Generator,
) -> None:
    count = len(people)
    columns = (
        people,
        sexes,
        np.full(count, "case"),
        diagnosed.astype(str),
        ages.astype(str),
        np.full(count, "C34"),
        random.choice(np.array(["RUL", "RML"]), count),
        (diagnosed - random.integers(1, 20, count)).astype(str),
        random.choice(np.array(["CT", "RT"]), count),
        (diagnosed + random.integers(5, 60, count)).astype(str),
    )
    header = (
        "patient_id,sex,population,diagnosis_date,age,diagnosis,site,biopsy_date,treatment,treatment_date"
    )
    rows = map(",".join, zip(*(column.tolist() for column in columns), strict=True))
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def _instances(
    people: np.ndarray,
    sexes: np.ndarray,
    ages: np.ndarray,
    diagnosed: np.ndarray,
    series: int,
    random: np.random.Generator,
) -> pa.Table:
    number = np.arange(series)
    study = number // SERIES_PER_STUDY
    person = study % len(people)
    day = diagnosed[person] + (study // len(people)) * 90 - 5
    modality = np.where(study % 3 == 0, "MR", "CT")
    days_old = (day - diagnosed[person]).astype(int)
    age = (ages[person] + days_old / 365.25).astype(int)
    date = pc.strftime(pa.array(day.astype("datetime64[s]")), "%Y%m%d")
    known = {
        "SOPInstanceUID": _uids("3", number),
        "SeriesInstanceUID": _uids("2", number),
        "StudyInstanceUID": _uids("1", study),
        "SOPClassUID": pa.array(np.where(modality == "CT", CT, MR)),
        "TransferSyntaxUID": pa.array(np.full(series, "1.2.840.10008.1.2.1")),
        "FrameOfReferenceUID": _uids("4", study),
        "PatientID": pa.array(people[person]),
        "PatientSex": pa.array(sexes[person]),
        "PatientAge": pa.array(np.char.add(np.char.zfill(age.astype(str), 3), "Y")),
        "StudyDate": date,
        "SeriesDate": date,
        "AcquisitionDate": date,
        "Modality": pa.array(modality),
        "Manufacturer": pa.array(
            random.choice(np.array(["SIEMENS", "GE MEDICAL SYSTEMS", "Philips"]), series)
        ),
        "BodyPartExamined": pa.array(np.full(series, "CHEST")),
        "SeriesNumber": pa.array(number % SERIES_PER_STUDY + 1),
        "InstanceNumber": pa.array(np.ones(series, np.int64)),
        "Rows": pa.array(np.full(series, 512)),
        "Columns": pa.array(np.full(series, 512)),
        "SliceThickness": pa.array(random.choice(np.array([1.0, 1.5, 3.0]), series)),
        "pixel_digest": _digests(series, random),
        "recognizable_face": pa.array(np.zeros(series, bool)),
    }
    empty = {field.name: pa.nulls(series, field.type) for field in instances_schema()}
    return pa.table(
        {name: known.get(name, column) for name, column in empty.items()}, schema=instances_schema()
    )


def _digests(count: int, random: np.random.Generator) -> pa.Array:
    digits = random.bytes(32 * count).hex()
    return pa.array([digits[start : start + 64] for start in range(0, 64 * count, 64)])


def _uids(kind: str, numbers: np.ndarray) -> pa.Array:
    return pa.array(np.char.add(f"2.25.{kind}", np.char.zfill(numbers.astype(str), 9)))
