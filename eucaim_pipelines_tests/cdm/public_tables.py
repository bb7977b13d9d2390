"""Shapes of public clinical tables of cancer imaging, with invented rows, and what each must become.

No test lives here. A shape is a file's bytes, the part of a source contract that describes it, the coded
fields that follow, and the values that cannot be coded.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Shape:
    """One delivered file; `coded` is field to values in the order of the keys, by clinical file."""

    name: str
    file: str
    content: bytes
    contract: str
    coded: dict[str, dict[str, list[Any]]]
    unmapped: list[tuple[str, str]] = field(default_factory=list)
    less_exact: list[tuple[str, str]] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets, rows as they stand."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


RADIOMICS = Shape(
    "lung radiomics: R's column names, ages with decimals, stages as numbers, NA",
    "lung1.clinical-version3.csv",
    b"PatientID,age,clinical.T.Stage,Overall.Stage,Histology,gender,Survival.time,deadstatus.event\n"
    b"LUNG1-001,78.7515,2,IIIb,large cell,male,2165,1\n"
    b"LUNG1-002,83.8001,4,NA,squamous cell carcinoma,female,155,0\n"
    b"LUNG1-003,NA,5,II,nos,male,256,1\n",
    """
  - name: lung
    files: "lung1*.csv"
    delivery: snapshot
    missing: ["", NA]
    key: [patient]
    columns:
      PatientID: {field: patient, is: patient_id}
      age: {field: age, is: age}
      clinical.T.Stage:
        field: t_stage
        is: code
        vocabulary: cancer_stage_value
        values: {1: COM1000333, 2: COM1000351, 5: null}
      Overall.Stage: {is: ignore}
      Histology:
        {field: histology, is: code, vocabulary: histology, values: {large cell: CLIN1063535, nos: null}}
      gender: {field: sex, is: code, vocabulary: birth_sex}
      Survival.time: {is: ignore}
      deadstatus.event: {field: deceased, is: boolean}
    tables:
      - {table: patient, fields: {patient_birth_sex: sex, patient_deceased: deceased}}
      - table: cancer_condition
        fields:
          cancer_condition_code: {constant: CLIN1000065}
          cancer_condition_age_at_diagnosis: age
          cancer_condition_histology_morphology_behavior: histology
      - table: cancer_stage
        when: t_stage
        fields: {cancer_stage_code: {constant: CLIN1033379}, cancer_stage_value_as_concept: t_stage}
""",
    {
        "lung": {
            "age": [78.8, 83.8, None],
            "t_stage": ["COM1000351", None, None],
            "histology": ["CLIN1063535", None, None],
            "sex": ["COM1001366", "COM1001370", "COM1001366"],
            "deceased": [True, False, True],
        }
    },
    unmapped=[("histology", "squamous cell carcinoma"), ("t_stage", "4")],
)

BREAST_HEADER = (
    ["Patient Information", "Demographics", None, None, "Tumor", None, None, "Recurrence", None],
    [
        "Patient ID", "Date of Birth (Days)", "Menopause (at diagnosis)", "Race and Ethnicity ", "ER", "HER2",
        "Tumor Size\n(cm)", "Recurrence event(s)", "Days to local recurrence\n(from the date of diagnosis) ",
    ],
    [None, "", "0= pre, 1= post, 2= N/A", "0=N/A, 1=white", "0=neg, 1=pos", "0=neg, 1=pos, 2=borderline",
     None, "{0=no, 1=yes}", None],
)  # fmt: skip
BREAST = Shape(
    "breast MR: a workbook with three header lines, line breaks in headers, codes as numbers, days as ages",
    "Clinical_and_Other_Features.xlsx",
    workbook(
        Data=[
            *BREAST_HEADER,
            ["Breast_MRI_001", -15209, 0, 1, 1, 0, 2.4, 0, "NP"],
            ["Breast_MRI_002", -23011.0, 1, 0, 0.0, 2, "NC", 1, 1210],
            ["Breast_MRI_003", None, 2, 1, 1, 1, "1.1-1.3", 0, None],
        ]
    ),
    """
  - name: breast
    files: "Clinical_and_Other*.xlsx"
    format: xlsx
    delivery: snapshot
    header: 2
    skip_lines: [3]
    other_columns: ignore
    missing: ["", NP, NC, NA]
    key: [patient]
    columns:
      "Patient ID": {field: patient, is: patient_id}
      "Date of Birth (Days)": {field: age, is: age, unit: d}
      "ER": {field: er, is: code, vocabulary: tumor_marker_value, values: {0: COM1001332, 1: COM1001310}}
      "HER2":
        field: her2
        is: code
        vocabulary: tumor_marker_value
        values: {0: COM1001332, 1: COM1001310, 2: COM1000044}
      "Tumor Size (cm)": {field: size, is: number, unit: cm}
      "Recurrence event(s)": {field: recurred, is: boolean}
      "Days to local recurrence (from the date of diagnosis)": {field: recurrence, is: days}
    tables:
      - table: cancer_condition
        fields:
          cancer_condition_code: {constant: CLIN1000060}
          cancer_condition_age_at_diagnosis: age
      - table: tumor_marker_test
        when: er
        fields:
          tumor_marker_test_code: {constant: CLIN1045815}
          tumor_marker_test_value_as_concept: er
      - table: tumor_marker_test
        when: her2
        fields:
          tumor_marker_test_code: {constant: CLIN1045851}
          tumor_marker_test_value_as_concept: her2
      - table: tumor
        when: [size, {field: size, below: 30}]
        fields: {tumor_size_maximum_dimension: size}
      - table: comorbidities
        when: {field: recurred, in: [true]}
        fields: {comorbidity_present: recurred, comorbidity_offset_from_diagnosis: recurrence}
""",
    {
        "breast": {
            "age": [41.6, 63.0, None],
            "er": ["COM1001310", "COM1001332", "COM1001310"],
            "her2": ["COM1001332", "COM1000044", "COM1001310"],
            "size": [24.0, None, None],
            "recurrence": [None, 1210, None],
            "recurred": [False, True, False],
        }
    },
    unmapped=[("size", "1.1-1.3")],
)

TRIAL = Shape(
    "breast trial: two sheets of one workbook, numbers of people without the prefix that the images have",
    "I-SPY 1 All Patient Clinical and Outcome Data.xlsx",
    workbook(
        TCIA_Patient_Clinical_Subset=[
            ["SUBJECTID", "DataExtractDt", "age", "race_id", "ERpos", "HER2MostPos"],
            [1001, datetime(2010, 11, 29), 38.73, 1, 1, 0],
            [1002, datetime(2010, 11, 29), 37.79, 1, 1, None],
        ],
        TCIA_Outcomes_Subset=[
            ["SUBJECTID", "sstat", "survDtD2 (tx)", "RCBClass"],
            [1001, 8, 1264.0, 2],
            [1002, 8, 1155.0, 3],
        ],
    ),
    """
  - name: people
    files: "I-SPY 1*.xlsx"
    format: xlsx
    sheet: TCIA Patient Clinical Subset
    delivery: snapshot
    key: [patient]
    columns:
      SUBJECTID: {field: patient, is: patient_id, pad: 5, prefix: ISPY1_}
      DataExtractDt: {is: ignore}
      age: {field: age, is: age}
      race_id: {is: ignore}
      ERpos: {field: er, is: boolean}
      HER2MostPos: {field: her2, is: boolean}
  - name: outcomes
    files: "I-SPY 1*.xlsx"
    format: xlsx
    sheet: TCIA Outcomes Subset
    delivery: snapshot
    other_columns: ignore
    key: [patient]
    columns:
      SUBJECTID: {field: patient, is: patient_id, pad: 5, prefix: ISPY1_}
      RCBClass: {field: burden, is: integer}
""",
    {
        "people": {
            "PatientID": ["ISPY1_01001", "ISPY1_01002"],
            "age": [38.7, 37.8],
            "er": [True, True],
            "her2": [False, None],
        },
        "outcomes": {"PatientID": ["ISPY1_01001", "ISPY1_01002"], "burden": [2, 3]},
    },
)

ATLAS = Shape(
    "cancer genome atlas: tabs, three header lines, [Not Available], stages in one cell, quotes as letters",
    "nationwidechildrens.org_clinical_patient_brca.txt",
    (
        b"bcr_patient_uuid\tbcr_patient_barcode\tgender\tdays_to_birth\tdays_to_death\tdays_to_last_followup\ttnm\n"
        b"bcr_patient_uuid\tbcr_patient_barcode\tgender\tbirth_days_to\tdeath_days_to\tlast_contact\ttnm\n"
        b"CDE_ID:\tCDE_ID:2673794\tCDE_ID:2200604\tCDE_ID:3008233\tCDE_ID:\tCDE_ID:\tCDE_ID:\n"
        b'6E7D5\tTCGA-3C-AAAU\tFEMALE\t-20211\t[Not Applicable]\t1808\tT2 N0 M"0\n'
        b"55262\tTCGA-3C-AALI\tFEMALE\t[Not Available]\t1005\t[Discrepancy]\tT1N0M0\n"
        b"427D0\tTCGA-3C-AALJ\tMALE\t-22561\t[Not Available]\t[Not Available]\tT2NXM0\n"
    ),
    r"""
  - name: patients
    files: "*clinical_patient*.txt"
    delivery: snapshot
    delimiter: "\t"
    quotes: false
    skip_lines: [2, 3]
    missing: ["", "[Not Available]", "[Not Applicable]", "[Discrepancy]"]
    key: [patient]
    columns:
      bcr_patient_uuid: {is: identity}
      bcr_patient_barcode: {field: patient, is: patient_id}
      gender: {field: sex, is: code, vocabulary: birth_sex}
      days_to_birth: {field: age, is: age, unit: d}
      days_to_death: {field: death, is: ignore}
      days_to_last_followup: {field: followup, is: ignore}
      tnm:
        split:
          pattern: "(?P<t>T[0-4])(?P<n>N[0-3X])(?P<m>M[01X])"
          fields:
            t: {field: t, is: code, vocabulary: cancer_stage_value, values: {T1: COM1000333, T2: COM1000351}}
            n: {field: n, is: code, vocabulary: cancer_stage_value, values: {N0: COM1000285}, missing: [NX]}
            m: {field: m, is: code, vocabulary: cancer_stage_value, values: {M0: COM1001860}}
    derived:
      - {field: last_seen, is: days, first_of: [death, followup]}
""",
    {
        "patients": {
            "sex": ["COM1001370", "COM1001370", "COM1001366"],
            "age": [55.3, None, 61.8],
            "last_seen": [1808, 1005, None],
            "t": [None, "COM1000333", "COM1000351"],
            "n": [None, "COM1000285", None],
            "m": [None, "COM1001860", "COM1001860"],
        }
    },
    unmapped=[("m", 'T2 N0 M"0'), ("n", 'T2 N0 M"0'), ("t", 'T2 N0 M"0')],
)

FINDINGS = Shape(
    "prostate challenge: one row per finding, TRUE and FALSE, positions in one cell, a byte order mark",
    "PROSTATEx Findings-Train.csv",
    (
        "ProxID,fid,pos,zone,ClinSig\r\n"
        "ProstateX-0000,1,25.7457 31.8707 -38.511,PZ,TRUE\r\n"
        "ProstateX-0001,1,-40.5367071921656 29.320722668457 -16.70766907,AS,FALSE\r\n"
        "ProstateX-0001,2,-27.0102 41.5467 -26.0469,TZ,TRUE\r\n"
    ).encode("utf-8-sig"),
    r"""
  - name: findings
    files: "PROSTATEx Findings*.csv"
    delivery: increment
    key: [patient, finding]
    columns:
      ProxID: {field: patient, is: patient_id}
      fid: {field: finding, is: integer}
      pos:
        split:
          pattern: "(?P<x>\\S+) (?P<y>\\S+) (?P<z>\\S+)"
          fields: {x: {field: x, is: number}, y: {field: y, is: number}, z: {field: z, is: number}}
      zone: {is: ignore}
      ClinSig: {field: significant, is: boolean}
    tables:
      - {table: tumor, when: {field: significant, in: [true]}, fields: {tumor_is_index: significant}}
""",
    {
        "findings": {
            "PatientID": ["ProstateX-0000", "ProstateX-0001", "ProstateX-0001"],
            "significant": [True, False, True],
            "z": [-38.511, -16.70766907, -26.0469],
        }
    },
)

LIVER = Shape(
    "liver: limits, units and thousands in cells, Y and N, duplicate and empty headers, a total below",
    "HCC-TACE-Seg_clinical_data.csv",
    (
        b"Table 1. Clinical data,,,,,,,\n"
        b"\n"
        b"TCIA_ID,Sex , AFP (ng/ml),AFP (ng/ml),,Diabetes,Tumor diameter,Age\n"
        b'HCC_001,0,"1,200.5",<0.1,x,Y,12 mm,63 years\n'
        b"HCC_002,1,>60000,3,x,unknown,1.5cm,061Y\n"
        b"HCC_003,1,7.5 ug/L,high,x,N,2 foot,18 mo\n"
        b"\n"
        b"Total: 3 patients,,,,,,,\n"
        b"* AFP was measured before treatment,,,,,,,\n"
    ),
    """
  - name: liver
    files: "HCC*.csv"
    delivery: snapshot
    header: 3
    footer: [Total, "*"]
    thousands: ","
    other_columns: ignore
    missing: ["", unknown]
    key: [patient]
    columns:
      TCIA_ID: {field: patient, is: patient_id}
      "Sex": {field: sex, is: code, vocabulary: birth_sex, values: {0: COM1001370, 1: COM1001366}}
      "AFP (ng/ml)": {field: afp, is: number, unit: ng/mL}
      "AFP (ng/ml)#2": {field: afp_after, is: number, unit: ng/mL, limits: keep, values: {high: 1000}}
      "#5": {field: mark, is: ignore}
      Diabetes: {field: diabetes, is: boolean}
      "Tumor diameter": {field: diameter, is: number, unit: mm}
      Age: {field: age, is: age}
    tables:
      - table: tumor
        fields: {tumor_size_maximum_dimension: diameter}
      - table: tumor_marker_test
        when: afp
        fields:
          tumor_marker_test_code: {constant: CLIN1045880}
          tumor_marker_test_value_as_number: afp
""",
    {
        "liver": {
            "sex": ["COM1001370", "COM1001366", "COM1001366"],
            "afp": [1200.5, None, 7.5],
            "afp_after": [0.1, 3.0, 1000.0],
            "diabetes": [True, None, False],
            "diameter": [12.0, 15.0, None],
            "age": [63.0, 61.0, 1.5],
        }
    },
    unmapped=[("afp", ">60000"), ("diameter", "2 foot")],
    less_exact=[("afp_after", "limit")],
)

REGISTRY = Shape(
    "registry: UTF-16, semicolons, decimal commas, merged cells, later rows sparse, dates of two precisions",
    "Registro tumores.csv",
    (
        "Registro;;;;;\r\nExportado el 03/02/2020;;;;;\r\n"
        "Nº historia;Sexo;Fecha dx;Línea;Fármacos;Dosis total (Gy)\r\n"
        "007;M;03/02/2019;1;Docetaxel / Carboplatino;1.060,5\r\n"
        ";;;2;Docetaxel;\r\n"
        '008;V;02/2019;1;"Carboplatino /\r\nDesconocido";60\r\n'
        "009;V;2018;1;Carboplatino\r\n"
    ).encode("utf-16"),
    """
  - name: lines
    files: "registro*.csv"
    delivery: snapshot
    encoding: utf-16
    delimiter: ";"
    decimal: ","
    thousands: "."
    header: 3
    fill_down: [patient, sex, diagnosed]
    key: [patient, line_of_therapy]
    columns:
      "Nº historia": {field: patient, is: patient_id}
      "Sexo": {field: sex, is: code, vocabulary: birth_sex, values: {V: COM1001366, M: COM1001370}}
      "Fecha dx": {field: diagnosed, is: date, format: ["%d/%m/%Y", "%m/%Y"], precision: month}
      "Línea": {field: line_of_therapy, is: integer}
      "Fármacos":
        field: drug
        is: code
        vocabulary: medication
        separator: "/"
        values: {Docetaxel: CLIN1035856, Carboplatino: CLIN1035863}
      "Dosis total (Gy)": {field: dose, is: number, unit: cGy}
    tables:
      - table: radiotherapy
        when: dose
        fields: {radiotherapy_total_dose: dose}
""",
    {
        "lines": {
            "PatientID": ["007", "007", "007", "008", "008"],
            "sex": ["COM1001370"] * 3 + ["COM1001366"] * 2,
            "diagnosed": [date(2019, 2, 3)] * 3 + [date(2019, 2, 1)] * 2,
            "line_of_therapy": [1, 1, 2, 1, 1],
            "drug": ["CLIN1035856", "CLIN1035863", "CLIN1035856", "CLIN1035863", None],
            "dose": [10.605, 10.605, None, 0.6, 0.6],
        }
    },
    unmapped=[("drug", "Desconocido")],
    less_exact=[("diagnosed", "month")],
    refused={"ROW_LENGTH": 1},
)

CELLS = Shape(
    "cell nuclei: no header at all, a footnote, ids with leading zeros, ? for unknown, M and B",
    "wdbc.data",
    b"00842302,M,17.99,?\n00842517,B,20.57,1.5E-1\n\n",
    """
  - name: nuclei
    files: "*.data"
    delivery: snapshot
    header: 0
    missing: ["", "?"]
    key: [patient]
    columns:
      "#1": {field: patient, is: patient_id}
      "#2": {field: malignant, is: boolean, values: {M: true, B: false}}
      "#3": {field: radius, is: number}
      "#4": {field: texture, is: number}
""",
    {
        "nuclei": {
            "PatientID": ["00842302", "00842517"],
            "malignant": [True, False],
            "radius": [17.99, 20.57],
            "texture": [None, 0.15],
        }
    },
)

PORTAL = Shape(
    "portal: comment lines above the header, ages and survival in months, year and month in two columns",
    "data_clinical_patient.txt",
    (
        "#Patient Identifier\tAge\tYear\tMonth\tCellularity\n#STRING\tNUMBER\tNUMBER\tNUMBER\tSTRING\n"
        "PATIENT_ID\tAGE_MONTHS\tYEAR\tMONTH\tCELLULARITY\n"
        "MB-0000\t908\t2001\t3\tHigh\nMB-0002\t519\t1999\t11\t-\nMB-0005\t.\t1987\t\tModerate\n"
    ).encode("iso-8859-1"),
    r"""
  - name: patients
    files: "data_clinical*.txt"
    delivery: snapshot
    encoding: iso-8859-1
    delimiter: "\t"
    header: 3
    missing: ["", "-", "."]
    key: [patient]
    columns:
      PATIENT_ID: {field: patient, is: patient_id}
      AGE_MONTHS: {field: age, is: age, unit: mo}
      YEAR: {field: year, is: ignore}
      MONTH: {field: month, is: ignore}
      CELLULARITY:
        field: cellularity
        is: code
        vocabulary: tumor_marker_value
    derived:
      - {field: diagnosed, is: date, from: [year, month], join: "-", format: "%Y-%m", precision: month}
    tables:
      - table: cancer_condition
        fields:
          cancer_condition_code: {constant: CLIN1000060}
          cancer_condition_asserted_date: diagnosed
""",
    {
        "patients": {
            "age": [75.7, 43.2, None],
            "cellularity": ["COM1002025", None, None],
            "diagnosed": [date(2001, 3, 1), date(1999, 11, 1), None],
        }
    },
    unmapped=[("cellularity", "Moderate")],
    less_exact=[("diagnosed", "month")],
)

TIMEPOINTS = Shape(
    "timepoints: one row per study and visit, identifiers that say more than those of the images",
    "imaging_timepoints.csv",
    b"ID,StudyInstanceUID,Episode,Timepoint,Days\n"
    b"UPENN-GBM-00001_11,1.3.6.1.4.1.14519.5.2.1.7009.1,Diagnosis,Baseline,0\n"
    b"UPENN-GBM-00001_21,1.3.6.1.4.1.14519.5.2.1.7009.2,EUCAIM:GEN1000010,2,121\n"
    b"GBM-00002_11,1.3.6.1.4.1.14519.5.2.1.7009.3,Diagnosis,1,3\n"
    b"UPENN-GBM-00003_11,1.3.06,Follow-up,x,-4.5\n",
    r"""
  - name: visits
    files: "imaging_timepoints.csv"
    delivery: snapshot
    key: [study]
    columns:
      ID: {field: patient, is: patient_id, take: "(UPENN-GBM-\\d+)_\\d+"}
      StudyInstanceUID: {field: study, is: study_uid}
      Episode: {field: episode, is: episode}
      Timepoint: {field: timepoint, is: timepoint, values: {Baseline: 1}}
      Days: {field: days, is: days}
linkage: {timepoints: visits}
""",
    {
        "visits": {
            "PatientID": ["UPENN-GBM-00003", "UPENN-GBM-00001", "UPENN-GBM-00001"],
            "study": [None, "1.3.6.1.4.1.14519.5.2.1.7009.1", "1.3.6.1.4.1.14519.5.2.1.7009.2"],
            "episode": [None, "GEN1000008", "GEN1000010"],
            "timepoint": [None, 1, 2],
            "days": [None, 0, 121],
        }
    },
    unmapped=[("days", "-4.5"), ("episode", "Follow-up"), ("study", "1.3.06"), ("timepoint", "x")],
    refused={"ROW_WITHOUT_KEY": 1},
)

SHAPES = (
    RADIOMICS, BREAST, TRIAL, ATLAS, FINDINGS, LIVER, REGISTRY, CELLS, PORTAL, TIMEPOINTS,
)  # fmt: skip
