"""Shapes of public tables of imaging cohorts and trials: invented rows, and what they must become.

No test lives here.
"""

from datetime import datetime

from eucaim_pipelines_tests.cdm.public_shapes import Shape, workbook

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

COHORTS = (RADIOMICS, BREAST, TRIAL, ATLAS)
