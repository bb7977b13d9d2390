"""A small invented dataset for the tests of the common data model; identifiers say what they are (P1, P1.S2).

No test lives here.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm import CdmInputs
from eucaim_pipelines.cdm.coding import code_records
from eucaim_pipelines.cdm.conditions import applying
from eucaim_pipelines.cdm.linkage import STUDY_LINKS, add_offsets, link_studies
from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract, load_source
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.ingest.clinical_files import Reception, combine, read

CT, SEG, RTSTRUCT = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.481.3",
)
INSTANCES = schema()

SOURCE = """
dataset_id: example
tier: 3
imaging:
  body_parts: {"TORAX": BP1000067}
  body_part_when_missing: BP1000067
  manufacturers: {"ACME": IMG1000044}
clinical:
  - name: patients
    files: "pacientes*.csv"
    delivery: snapshot
    encoding: cp1252
    delimiter: ";"
    decimal: ","
    missing: ["", NA]
    key: [patient]
    columns:
      "NHC":         {field: patient, is: patient_id}
      "Nombre":      {is: identity}
      "Sexo":        {field: sex, is: code, vocabulary: birth_sex, values: {V: COM1001366, M: COM1001370}}
      "Fecha dx":    {field: diagnosis_date, is: date, format: "%d/%m/%Y"}
      "Edad":        {field: age_at_diagnosis, is: age}
      "Dx":          {field: diagnosis, is: code, vocabulary: cancer_condition, values: {CP: CLIN1000065}}
      "Biopsia":     {field: biopsy_date, is: date, format: "%d/%m/%Y"}
      "PSA":         {field: psa, is: number, unit: ng/mL}
      "Fuma":        {field: smoker, is: boolean, values: {SI: true, NO: false}}
      "Comentarios": {is: free_text}
    tables:
      - table: patient
        fields: {patient_birth_sex: sex, patient_diagnostic_category: {constant: COM1001087}}
      - table: cancer_condition
        when: diagnosis_date
        fields:
          cancer_condition_code: diagnosis
          cancer_condition_asserted_date: diagnosis_date
          cancer_condition_age_at_diagnosis: age_at_diagnosis
          cancer_condition_type: {constant: COM1000017}
      - table: procedure
        when: biopsy_date
        fields: {procedure_code: {constant: CLIN1001712}, procedure_date: biopsy_date}
  - name: treatments
    files: "tratamientos*.csv"
    delivery: increment
    key: [patient, number]
    columns:
      "NHC":    {field: patient, is: patient_id}
      "N":      {field: number, is: integer}
      "Tipo":   {field: type, is: code, vocabulary: treatment_type}
      "Inicio": {field: start, is: date}
    tables:
      - table: treatment
        fields: {treatment_type: type, treatment_start_date: start}
linkage: {diagnosis_date: patients.diagnosis_date, treatment_date: treatments.start}
"""
PATIENTS = """NHC;Nombre;Sexo;Fecha dx;Edad;Dx;Biopsia;PSA;Fuma;Comentarios
P1;Núñez, Ana;M;10/01/2020;61,25;CP;08/01/2020;4,5;SI;"dolor; leve"
P2;Gil, Luis;V;01/03/2020;70;desconocido;NA;1.234;NO;
P4;Solo, Tabla;V;01/03/2021;55,04;CP;;;;
"""
TREATMENTS = """NHC,N,Tipo,Inicio
P1,1,Chemotherapy,2020-02-01
P1,2,EUCAIM:CLIN1014933,2020-04-01
"""


def write_source(folder: Path, text: str = SOURCE) -> Path:
    """The source contract as a file."""
    path = folder / "example.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def source(folder: Path) -> SourceContract:
    """The source contract of this dataset."""
    return load_source(write_source(folder))


def instance(number: int, patient: str | None, study: str, series: str, **values: Any) -> dict[str, Any]:
    """One row of the header inventory, a CT image unless `values` say otherwise."""
    base = {
        "SOPInstanceUID": f"{series}.{number}",
        "SOPClassUID": CT,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "PatientID": patient,
        "StudyDate": "20200115",
        "AcquisitionDate": "20200115",
        "Modality": "CT",
        "Manufacturer": "SIEMENS",
        "BodyPartExamined": "CHEST",
        "SeriesNumber": 1,
        "PatientSex": "F",
        "SliceThickness": 1.5,
    }
    return dict.fromkeys(INSTANCES.names) | base | values


def instances(rows: list[dict[str, Any]] | None = None) -> pa.Table:
    """The inventory: P1 with two studies and a segmentation, P2 with one study, P3 only in the images."""
    later = {"StudyDate": "20200301", "AcquisitionDate": "20200301"}
    segment = {"number": 1, "label": "Tumour", "algorithm_type": "MANUAL"}
    seg = {"SOPClassUID": SEG, "Modality": "SEG", "segments": [segment]}
    found = rows or [
        instance(1, "P1", "P1.S1", "P1.S1.R1", BodyPartExamined="torax"),
        instance(2, "P1", "P1.S1", "P1.S1.R1", BodyPartExamined="torax"),
        instance(
            1, "P1", "P1.S1", "P1.S1.R9", referenced_sop_instance_uids=["P1.S1.R1.1", "P1.S1.R1.2"], **seg
        ),
        instance(1, "P1", "P1.S2", "P1.S2.R1", **later),
        instance(1, "P1", "P1.S2", "P1.S2.R8", SOPClassUID=RTSTRUCT, Modality="RTSTRUCT", **later),
        instance(1, "P2", "P2.S1", "P2.S1.R1", BodyPartExamined=None, Manufacturer="ACME"),
        instance(1, "P2", "P2.S1", "P2.S1.R9", referenced_sop_instance_uids=["absent"], **seg),
        instance(1, "P3", "P3.S1", "P3.S1.R1", PatientAge="092Y", Manufacturer="GE MEDICAL SYSTEMS"),
    ]
    return pa.Table.from_pylist(found, schema=INSTANCES)


def current_rows(spec_source: SourceContract) -> dict[str, pa.Table]:
    """The clinical rows that count, by file."""
    content = {"patients": PATIENTS.encode("cp1252"), "treatments": TREATMENTS.encode()}
    return {
        spec.name: combine([Reception("e1", "f1", read(content[spec.name], spec))], spec).rows
        for spec in spec_source.clinical
    }


def coded(spec_source: SourceContract) -> dict[str, pa.Table]:
    """The coded rows with their offsets, by file."""
    vocabularies = load_all()
    rows = current_rows(spec_source)
    tables = {
        spec.name: code_records(rows[spec.name], spec, vocabularies).table for spec in spec_source.clinical
    }
    return add_offsets(tables, spec_source)


def crossed(spec_source: SourceContract, inventory: pa.Table | None = None) -> CdmInputs:
    """What the tables are built from: pseudonyms are `X-` and the identifier, dates are true."""
    raw = instances() if inventory is None else inventory
    tables = coded(spec_source)
    links = link_studies(raw, tables, spec_source)
    names = ["patient_id", "issuer", "study_uid", "study_date", *links.column_names[4:]]
    return CdmInputs(
        instances=_pseudonymous(raw, "PatientID"),
        records={
            name: _pseudonymous(table, "PatientID").rename_columns(
                ["patient_id", "record_id", *table.column_names[2:]]
            )
            for name, table in tables.items()
        },
        links=_pseudonymous(links, "PatientID").rename_columns(names).drop_columns(["issuer"]),
        source=spec_source,
        contracts=load_tables(),
        vocabularies=load_all(),
    )


def told(spec: ClinicalFile, records: pa.Table) -> pa.Table:
    """The records with what is said of them before the crossing: which mappings apply to them."""
    records = records.select([name for name in records.column_names if name not in spec.applying])
    for name, there in applying(spec, records, pa.repeat(True, records.num_rows)).items():
        records = records.append_column(name, there)
    return records


def crossed_links() -> pa.Table:
    """Study links as they cross, without any study."""
    names = ["patient_id", "issuer", "study_uid", "study_date", *STUDY_LINKS.names[4:]]
    return STUDY_LINKS.empty_table().rename_columns(names).drop_columns(["issuer"])


def _pseudonymous(table: pa.Table, column: str) -> pa.Table:
    values = [f"X-{value}" for value in table.column(column).to_pylist()]
    return table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))
