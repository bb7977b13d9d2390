"""Lineage of a release: which source file, under which rules, became which object and fed which tables.

One flat table, the same for all tiers of one state of the dataset. A source file is named by its token alone,
HMAC(key, SHA-256): whoever has the original cannot look it up. `eucaim explain` joins token and hash where
the ledger lies. Tokens are made where rows cross, not here.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

NAME = "lineage.parquet"
OBJECT, TABLE, FIGURE = "object", "table", "figure"
"""Steps: a source file became an object; rows of one went into a table; a figure was made from a table."""
_FIELDS = {
    "step": "object: a source file became the object beside it; table: rows of it went into a table; "
    "figure: a figure of the catalogue record was made from a table.",
    "source_token": "HMAC of the source file's SHA-256 under the site's key, 64 hex digits.",
    "profile_digest": "SHA-256 of the de-identification profile.",
    "rules_digest": "SHA-256 of profile, vocabularies, maps, options and engine under which it was done.",
    "key_id": "Names the key without showing it.",
    "patient_id": "Pseudonym; key of the table patient. Empty for tables, whose files hold many people.",
    "study_uid": "New StudyInstanceUID; key of the table image_study.",
    "series_uid": "New SeriesInstanceUID; key of image_series, or of segmentation_series for segmentations.",
    "sop_instance_uid": "New SOPInstanceUID.",
    "object_sha256": "SHA-256 of the released object; its first 32 digits name it in the store.",
    "object_key": "Key of the released object.",
    "table": "Table of the common data model.",
    "figure": "Property of the catalogue record.",
}
SCHEMA = pa.schema(
    [pa.field(name, pa.string(), metadata={"description": text}) for name, text in _FIELDS.items()],
    metadata={"contract": "eucaim_pipelines/lineage/1"},
)
_OF_INSTANCES = {
    "source_token": "source_digest",
    "patient_id": "PatientID",
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "sop_instance_uid": "SOPInstanceUID",
    "object_sha256": "object_sha256",
    "object_key": "object_key",
}
_ORDER = (
    "step",
    "patient_id",
    "study_uid",
    "series_uid",
    "sop_instance_uid",
    "table",
    "figure",
    "source_token",
)


def build(
    instances: pa.Table,
    fed: Iterable[tuple[str, str]],
    figures: Iterable[tuple[str, str]],
    rules: Mapping[str, str],
    further: Iterable[tuple[str, str]] = (),
) -> pa.Table:
    """The lineage (`SCHEMA`), sorted; equal arguments give an equal table.

    Parameters
    ----------
    instances
        De-identified header inventory (`object_tables.instances_schema`).
    fed
        Token of a clinical file that was received, and a table that rows of it went into.
    figures
        Table, and a property of the catalogue record that is made from it.
    rules
        profile_digest, rules_digest and key_id of the run that made the objects; others are never released.
    further
        Token of a file that an object was made from too, beside its first, and the object's key.
    """
    objects = pa.table(
        {name: instances[column] for name, column in _OF_INSTANCES.items()}
        | {"step": pa.repeat(OBJECT, instances.num_rows)}
    )
    objects = pa.concat_tables([objects, _further(objects, further)])
    tables = _edges(TABLE, ("source_token", "table"), fed)
    sourced = pa.concat_tables([objects, tables], promote_options="default")
    for name in ("profile_digest", "rules_digest", "key_id"):
        sourced = sourced.append_column(name, pa.repeat(rules[name], sourced.num_rows))
    told = _edges(FIGURE, ("table", "figure"), figures)
    whole = pa.concat_tables([sourced, told], promote_options="default")
    ordered = whole.sort_by([(name, "ascending") for name in _ORDER])
    return ordered.select(SCHEMA.names).cast(SCHEMA).combine_chunks()


def _further(objects: pa.Table, further: Iterable[tuple[str, str]]) -> pa.Table:
    """The rows of objects once more, under the tokens of their further files."""
    tokens = dict(sorted((key, token) for token, key in further))
    rows = objects.filter(pc.is_in(objects["object_key"], pa.array(list(tokens), pa.string()))).to_pylist()
    again = [row | {"source_token": tokens[row["object_key"]]} for row in rows]
    return pa.Table.from_pylist(again, schema=objects.schema)


def _edges(step: str, names: tuple[str, str], pairs: Iterable[tuple[str, str]]) -> pa.Table:
    rows = [dict(zip(names, pair, strict=True)) | {"step": step} for pair in sorted(set(pairs))]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in (*names, "step")]))


def beyond(lineage: pa.Table, instances: pa.Table) -> pa.Table:
    """Every text of a lineage that the inventory, which is searched itself, does not hold in its place."""
    found = []
    for name in lineage.column_names:
        texts = pc.unique(lineage[name])
        if name in _OF_INSTANCES:
            known = pc.is_in(texts, instances[_OF_INSTANCES[name]].combine_chunks())
            texts = texts.filter(pc.invert(known))
        found.append(texts)
    return pa.table({"text": pa.chunked_array(found)}).replace_schema_metadata(lineage.schema.metadata)


def key(dataset: str, sha256: str) -> str:
    """Where it lies: content-addressed, so that an unchanged one is used again, by all tiers."""
    return f"{dataset}/lineage/{sha256}.parquet"
