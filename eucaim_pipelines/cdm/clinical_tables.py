"""Clinical tables that need more than records: people, procedures (those of images too) and the dataset.

All other clinical tables are made in `record_tables`, from their contracts alone.
"""

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import by_value, firsts, lookup, nearest, ordered, whole
from eucaim_pipelines.cdm.imaging_tables import imaging_procedures
from eucaim_pipelines.cdm.inputs import CdmInputs
from eucaim_pipelines.cdm.link_file import without_link_file
from eucaim_pipelines.cdm.record_tables import DAY, mapped, rows

PROCEDURE = "GEN1000021"
BOTH, IMAGES, TABLE = "both", "images", "table"


def patient(inputs: CdmInputs) -> pa.Table:
    """Everybody: of the images, the clinical tables or both.

    Where records of one patient differ, the latest date counts, and of all else the most frequent value (of
    equals the smallest). The sex of people known from images only is DICOM Patient Sex.
    """
    imaged = whole(pc.unique(inputs.instances["PatientID"]))
    told = without_link_file(inputs.records, inputs.source).values()
    listed = pa.concat_arrays([pa.array([], pa.string()), *(whole(table["patient_id"]) for table in told)])
    everybody = pc.unique(pa.concat_arrays([imaged, listed]))
    in_images, in_tables = pc.is_in(everybody, imaged), pc.is_in(everybody, listed)
    said = mapped("patient", inputs)
    columns = {}
    for name, field in inputs.contracts["patient"].fields.items():
        if field.filled_by is None:
            columns[name] = lookup(everybody, *_usual(said, name, latest=pa.types.is_date(field.type)))
    sexes = inputs.instances.group_by("PatientID", use_threads=False).aggregate([("PatientSex", "min")])
    coded = by_value(sexes["PatientSex_min"], inputs.vocabularies["birth_sex"].code, pa.string())
    of_images = lookup(everybody, sexes["PatientID"], coded)
    columns |= {
        "patient_id": everybody,
        "dataset_id": pa.repeat(inputs.source.dataset_id, len(everybody)),
        "patient_birth_sex": pc.if_else(in_tables, columns["patient_birth_sex"], of_images),
        "patient_source": pc.if_else(in_tables, pc.if_else(in_images, BOTH, TABLE), IMAGES),
    }
    return pa.table(columns)


def procedure(inputs: CdmInputs) -> pa.Table:
    """Imaging procedures and those of the clinical records, each with a diagnosis of its patient."""
    of_records = rows("procedure", inputs)
    category = pc.coalesce(of_records["procedure_category"], pa.scalar(PROCEDURE))
    at = of_records.column_names.index("procedure_category")
    of_images = imaging_procedures(inputs)
    conditions = rows("cancer_condition", inputs)
    diagnosis = nearest(
        of_images["patient_id"],
        of_images["procedure_offset_from_diagnosis"],
        *(conditions[name] for name in ("patient_id", DAY, "cancer_condition_id")),
    )
    return pa.concat_tables(
        [
            of_records.set_column(at, "procedure_category", category),
            of_images.append_column("cancer_condition_id", diagnosis),
        ],
        promote_options="default",
    )


def dataset(inputs: CdmInputs) -> pa.Table:
    """The one row that says which dataset this is, in the words of its catalogue record."""
    card = inputs.source.catalogue
    return pa.table(
        {
            "dataset_id": [inputs.source.dataset_id],
            "dataset_title": pa.array([card.title or None], pa.string()),
            "dataset_description": pa.array([card.description or None], pa.string()),
        }
    )


def _usual(said: pa.Table, name: str, *, latest: bool) -> tuple[pa.Array, pa.Array]:
    """Patients, and the value that counts for each."""
    known = said.select(["patient_id", name]).filter(pc.is_valid(said[name]))
    counted = known.group_by(["patient_id", name], use_threads=False).aggregate([([], "count_all")])
    order = [("count_all", "descending"), (name, "ascending")]
    best = firsts(ordered(counted, [(name, "descending")] if latest else order), "patient_id")
    return whole(best["patient_id"]), whole(best[name])
