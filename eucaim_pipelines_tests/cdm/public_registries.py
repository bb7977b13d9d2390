"""Shapes of public tables of registries, challenges and portals: invented rows, and what they must become.

No test lives here.
"""

from datetime import date

from eucaim_pipelines_tests.cdm.public_shapes import Shape

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

REGISTRIES = (FINDINGS, LIVER, REGISTRY, CELLS, PORTAL, TIMEPOINTS)
