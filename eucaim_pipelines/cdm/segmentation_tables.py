"""Tables of segmentations and their segments, and what they refer to.

Images themselves are in `imaging_tables`; which attributes a segmentation lacks stands in the inventory.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import by_value, firsts, lookup, ordered, whole
from eucaim_pipelines.cdm.grouping import Groups
from eucaim_pipelines.cdm.imaging_codes import IMAGE, SEGMENTATION, of_kind
from eucaim_pipelines.cdm.inputs import CdmInputs

MIXED = "MIXED"


def segmentation_series(inputs: CdmInputs) -> pa.Table:
    """One row per series of segmentations, with whether all images that it refers to are in the dataset."""
    segmentations = of_kind(inputs.instances, SEGMENTATION)
    series = Groups(segmentations, ["SeriesInstanceUID", "StudyInstanceUID"])
    segments = whole(segmentations.column("segments"))
    per_instance = pc.fill_null(pc.list_value_length(segments), 0).to_numpy(zero_copy_only=False)
    resolved, referenced = _references(inputs.instances, segmentations, series)
    algorithm = _algorithm(segments, series)
    return pa.table(
        {
            "segmentation_series_uid": series.key("SeriesInstanceUID"),
            "study_uid": series.key("StudyInstanceUID"),
            "patient_id": series.smallest("PatientID"),
            "referenced_series_uid": referenced,
            "references_resolved": pa.array(resolved, pa.bool_()),
            "frame_of_reference_uid": series.smallest("FrameOfReferenceUID"),
            "algorithm_type": algorithm,
            "segmentation_method": by_value(algorithm, inputs.codes.segmentation_method, pa.string()),
            "number_of_instances": pa.array(series.sizes, pa.int64()),
            "number_of_segments": pa.array(series.reduce(np.add, per_instance), pa.int64()),
        }
    )


def segment(inputs: CdmInputs) -> pa.Table:
    """One row per segment of an instance, in the words that DICOM has for it, with EUCAIM's code beside.

    The code comes from the label, else from the coded property type (PS3.3 C.8.20.4).
    """
    segmentations = of_kind(inputs.instances, SEGMENTATION)
    lists = whole(segmentations.column("segments"))
    instance = pc.list_parent_indices(lists)
    parts = pc.list_flatten(lists)
    said = {name: _text(pc.struct_field(parts, name)) for name in _SAID}
    codes = inputs.codes
    found = pa.table(
        {
            "segmentation_series_uid": whole(segmentations["SeriesInstanceUID"]).take(instance),
            "segmentation_instance_uid": whole(segmentations["SOPInstanceUID"]).take(instance),
            "segment_number": pc.struct_field(parts, "number"),
            **said,
            "label_code": pc.coalesce(
                by_value(said["label"], codes.segment, pa.string()),
                by_value(said["property_type"], codes.segment, pa.string()),
            ),
            "segmentation_method": by_value(said["algorithm_type"], codes.segmentation_method, pa.string()),
        }
    )
    return found.filter(pc.is_valid(found["segment_number"]))


_SAID = ("label", "description", "algorithm_type", "algorithm_name", "property_category", "property_type",
         "tracking_id", "tracking_uid")  # fmt: skip


def _references(instances: pa.Table, segmentations: pa.Table, series: Groups) -> tuple[np.ndarray, pa.Array]:
    """Per series: it refers to something and all of it is there; the image series that it refers to most."""
    lists = whole(segmentations.column("referenced_sop_instance_uids"))
    targets, of_row = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    present = instances.filter(pc.is_in(instances["SOPInstanceUID"], pc.unique(targets)))
    there = pc.is_in(targets, whole(present["SOPInstanceUID"])).to_numpy(zero_copy_only=False)
    whole_row = np.zeros(segmentations.num_rows, bool)
    whole_row[of_row] = True
    whole_row[of_row[~there]] = False
    images = of_kind(present, IMAGE)
    pairs = pa.table(
        {
            "group": pa.array(series.of_row[of_row]),
            "uid": lookup(targets, images["SOPInstanceUID"], images["SeriesInstanceUID"]),
        }
    )
    pairs = pairs.filter(pc.is_valid(pairs["uid"]))
    counted = pairs.group_by(["group", "uid"], use_threads=False).aggregate([([], "count_all")])
    order = [("group", "ascending"), ("count_all", "descending"), ("uid", "ascending")]
    most = firsts(ordered(counted, order), "group")
    return series.reduce(np.logical_and, whole_row), lookup(
        pa.array(range(len(series)), pa.int64()), most["group"], most["uid"]
    )


def _algorithm(segments: pa.ListArray, series: Groups) -> pa.Array:
    """Segment Algorithm Type where all segments of a series agree, else `MIXED`; null where none says it."""
    types = pc.fill_null(_text(pc.struct_field(pc.list_flatten(segments), "algorithm_type")), "")
    found = pa.table({"group": series.of_row[pc.list_parent_indices(segments).to_numpy()], "type": types})
    ends = found.group_by("group", use_threads=False).aggregate([("type", "min"), ("type", "max")])
    agreed = pc.if_else(pc.equal(ends["type_min"], ends["type_max"]), ends["type_min"], MIXED)
    return _text(lookup(pa.array(range(len(series)), pa.int64()), ends["group"], agreed))


def _text(values: pa.Array) -> pa.Array:
    """Text without empty ones."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
