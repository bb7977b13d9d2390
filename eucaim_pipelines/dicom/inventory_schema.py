"""The Arrow schema of the header inventory, from `data_contracts/dicom/instances.csv`.

How a row is filled is said in `inventory`.
"""

from functools import cache

import pyarrow as pa

from eucaim_pipelines.dicom.tables import rows

_TYPES = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
_SEGMENT = pa.struct(
    [
        ("number", pa.int64()),
        ("label", pa.string()),
        ("description", pa.string()),
        ("algorithm_type", pa.string()),
        ("algorithm_name", pa.string()),
        ("property_category", pa.string()),
        ("property_type", pa.string()),
        ("tracking_id", pa.string()),
        ("tracking_uid", pa.string()),
    ]
)
_FRAMES = pa.struct(
    [
        ("position", pa.list_(pa.float64())),
        ("orientation", pa.list_(pa.float64())),
        ("stack", pa.list_(pa.int64())),
        ("temporal", pa.list_(pa.int64())),
    ]
)
_ATTRIBUTE = pa.struct([("attribute", pa.string()), ("type", pa.string())])
_DERIVED = (
    ("pixel_digest", pa.string(), "SHA-256 of the pixel data without its offset table; null without pixels"),
    ("near_duplicate_group", pa.int64(), "Number shared by series that nearly show the same; null without"),
    ("frames_compared", pa.int64(), "Sampled frames of the series that were compared; null if nobody asks"),
    (
        "referenced_sop_instance_uids",
        pa.list_(pa.string()),
        "Referenced objects at any depth, sorted, distinct",
    ),
    (
        "referenced_series_instance_uids",
        pa.list_(pa.string()),
        "Series of Referenced Series Sequence, sorted, distinct",
    ),
    ("segments", pa.list_(_SEGMENT), "Segments of a segmentation; codes as scheme:value"),
    ("seg_missing", pa.list_(_ATTRIBUTE), "Attributes that a segmentation lacks, with EUCAIM's type of them"),
    (
        "frame_positions",
        _FRAMES,
        "Where the frames of a multi-frame object lie, three numbers in mm per frame",
    ),
    ("risk", pa.string(), "Why the pixels may identify somebody; null when nothing says so"),
    ("recognizable_face", pa.bool_(), "Whether somebody's face could be rebuilt from the image"),
)


@cache
def schema() -> pa.Schema:
    """Arrow schema of the inventory; the reason of each column is its field metadata `description`."""
    fields = []
    for row in rows("dicom/instances.csv"):
        kind = _TYPES[row["type"]]
        kind = pa.list_(kind) if row["multiplicity"] == "n" else kind
        fields.append(pa.field(row["column"], kind, metadata={"description": row["why"]}))
    fields += [pa.field(name, kind, metadata={"description": why}) for name, kind, why in _DERIVED]
    return pa.schema(fields)
