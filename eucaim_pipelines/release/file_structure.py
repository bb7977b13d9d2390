"""EUCAIM's common file structure of Tier 3: two mandatory views and `clinical_data/` as CSV.

The images lie beside it under `imaging_data/`; the tables themselves are built elsewhere.
Layout and columns: EUCAIM/software-template-repository, toolbox/cdm_federated_unbalance_checker.
"""

from collections.abc import Collection, Mapping
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import PREFIX, Form

_CONDITION = (
    *("cancer_condition_age_at_diagnosis", "cancer_condition_age_unit", "cancer_condition_code"),
    *("cancer_condition_asserted_date", "cancer_condition_type", "cancer_condition_topography"),
    "cancer_condition_histology_morphology_behavior",
)
_CLINICAL_VIEW = (
    *("dataset_id", "patient_id", "patient_birth_sex", "patient_ethnicity", "patient_diagnostic_category"),
    *("cancer_condition_age_at_diagnosis", "cancer_condition_age_unit", "cancer_condition_code"),
    *("cancer_condition_asserted_date", "cancer_condition_type", "cancer_condition_topography"),
    *("cancer_condition_histology_morphology", "evidence_procedure_code", "first_treatment_type"),
    *("first_treatment_offset_from_diagnosis", "first_treatment_offset_unit"),
)
_IMAGING_VIEW = (
    *("dataset_id", "patient_id", "image_procedure_code", "study_uid", "series_uid", "series_manufacturer"),
    "series_body_site_code",
)
_CODED_IN_VIEWS = frozenset(
    (
        *("cancer_condition_histology_morphology", "evidence_procedure_code", "first_treatment_type"),
        *("first_treatment_offset_unit", "image_procedure_code", "series_manufacturer"),
        "series_body_site_code",
    )
)
"""Coded columns that the views name otherwise than the tables."""


def build(
    tables: Mapping[str, pa.Table], contracts: Mapping[str, TableContract], form: Form = "bare"
) -> dict[str, bytes]:
    """Files of the structure by their path in it.

    Dates are ISO, cells without a value empty; `clinical_data` has the columns of the common data model
    only, and of the tables that not every dataset has those with rows.

    Parameters
    ----------
    form
        How coded cells are written: bare, or with their prefix, as some readers ask for.
    """
    frames = {name: table.to_pandas(types_mapper=pd.ArrowDtype) for name, table in tables.items()}
    files = {
        f"clinical_data/{name}.csv": cdm_csv(
            _formed(table, contracts[name].value_sets, form), contracts[name]
        )
        for name, table in tables.items()
        if table.num_rows or contracts[name].mandatory
    }
    coded = {field for contract in contracts.values() for field in contract.value_sets}
    for name, view in (
        ("clinical_mandatory_view.csv", clinical_view(frames)),
        ("imaging_mandatory_view.csv", imaging_view(frames)),
    ):
        table = pa.Table.from_pandas(view, preserve_index=False)
        files[name] = _csv(_formed(table, coded | _CODED_IN_VIEWS, form))
    return files


def clinical_view(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per patient: diagnosis, evidence and first treatment beside the person's own fields."""
    procedures = frames["procedure"].set_index("procedure_id")["procedure_code"]
    conditions = frames["cancer_condition"].sort_values("cancer_condition_id").drop_duplicates("patient_id")
    conditions = conditions[["patient_id", "procedure_id", *_CONDITION]].rename(
        columns={"cancer_condition_histology_morphology_behavior": "cancer_condition_histology_morphology"}
    )
    conditions["evidence_procedure_code"] = conditions.pop("procedure_id").map(procedures)
    treatments = frames["treatment"].sort_values(["treatment_offset_from_diagnosis", "treatment_id"])
    first = treatments.drop_duplicates("patient_id").rename(
        columns={
            "treatment_type": "first_treatment_type",
            "treatment_offset_from_diagnosis": "first_treatment_offset_from_diagnosis",
            "treatment_offset_unit": "first_treatment_offset_unit",
        }
    )
    view = (
        frames["patient"]
        .merge(conditions, on="patient_id", how="left")
        .merge(first, on="patient_id", how="left")
    )
    return view[list(_CLINICAL_VIEW)].sort_values("patient_id")


def imaging_view(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per image series: whose it is, what made it, what it shows."""
    procedures = frames["procedure"].set_index("procedure_id")["procedure_code"]
    studies = frames["image_study"][["study_uid", "patient_id", "procedure_id"]]
    view = frames["image_series"].merge(studies, on=["study_uid", "patient_id"], how="left")
    view = view.merge(frames["patient"][["patient_id", "dataset_id"]], on="patient_id", how="left")
    view["image_procedure_code"] = view["procedure_id"].map(procedures)
    view = view.rename(
        columns={
            "series_manufacturer_name": "series_manufacturer",
            "series_body_site": "series_body_site_code",
        }
    )
    return view[list(_IMAGING_VIEW)].sort_values(["patient_id", "study_uid", "series_uid"])


def _formed(table: pa.Table, coded: Collection[str], form: Form) -> pa.Table:
    """The table with its codes in this form; bare ones stay as they are."""
    for name in table.column_names if form == "prefixed" else ():
        if name in coded:
            cells = pc.binary_join_element_wise(PREFIX, table[name].cast(pa.string()), "")
            table = table.set_column(table.column_names.index(name), name, cells)
    return table


def cdm_csv(table: pa.Table, contract: TableContract) -> bytes:
    """The columns that the common data model has of a table, as CSV."""
    return _csv(table.select(contract.cdm_columns))


def _csv(table: pa.Table) -> bytes:
    buffer = BytesIO()
    pacsv.write_csv(table, buffer, pacsv.WriteOptions(quoting_style="needed"))
    return buffer.getvalue()
