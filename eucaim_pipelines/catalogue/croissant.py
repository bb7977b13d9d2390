"""The same release for machine learning: Croissant 1.0 (MLCommons), the tables with their fields.

What a release is called and says of itself comes from the source contract, as in the record (`record`).
"""

from collections.abc import Mapping
from typing import Any

from eucaim_pipelines.catalogue.record import ReleaseFacts
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import TableContract

NAME = "croissant.json"
_SPECIFICATION = "http://mlcommons.org/croissant/1.0"
_TERMS = (
    "citeAs", "column", "extract", "field", "fileObject", "fileProperty", "fileSet", "format", "includes",
    "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}
_TYPES = {
    "string": "sc:Text", "date32[day]": "sc:Date", "int64": "sc:Integer", "double": "sc:Float",
    "bool": "sc:Boolean",
}  # fmt: skip


def croissant(
    source: SourceContract, release: ReleaseFacts, tables: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    """The description as JSON-LD.

    Parameters
    ----------
    tables
        Table name to where its Parquet file lies, from the release's folder, and its SHA-256.
    """
    text = source.catalogue
    made = [each for each in release.contracts if each.name in tables]
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": source.dataset_id,
        "alternateName": text.title,
        "description": text.description,
        "conformsTo": _SPECIFICATION,
        "identifier": source.dataset_id,
        "url": text.access_url,
        "license": text.licence or text.access_url,
        "version": release.version,
        "datePublished": release.issued,
        "keywords": sorted(text.keywords),
        "isAccessibleForFree": False,
        "distribution": [_file(each.name, *tables[each.name]) for each in made],
        "recordSet": [_records(each) for each in made],
    }
    if text.publisher is not None:
        agent = {"@type": "sc:Organization", "name": text.publisher.name}
        described |= {"creator": agent, "publisher": agent}
    return described


def _file(name: str, place: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"{name}.parquet",
        "name": f"{name}.parquet",
        "contentUrl": place,
        "encodingFormat": "application/vnd.apache.parquet",
        "sha256": sha256,
    }


def _records(contract: TableContract) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": contract.name,
        "name": contract.name,
        "description": contract.description,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{contract.name}/{column.name}",
                "name": column.name,
                "description": (column.metadata or {}).get(b"description", b"").decode(),
                "dataType": _TYPES.get(str(column.type), "sc:Text"),
                "source": {
                    "fileObject": {"@id": f"{contract.name}.parquet"},
                    "extract": {"column": column.name},
                },
            }
            for column in contract.schema
        ],
    }
