"""The same release as a research object: RO-Crate 1.1, the release's folder with what lies in it.

Tables lie outside the folder, under keys that never change; they are named by their digest (RFC 6920).
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from eucaim_pipelines.catalogue.record import ReleaseFacts
from eucaim_pipelines.contracts.source_model import SourceContract

NAME = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PARQUET = "application/vnd.apache.parquet"


def ro_crate(
    source: SourceContract,
    release: ReleaseFacts,
    documents: Mapping[str, tuple[str, str]],
    tables: Mapping[str, tuple[str, str]],
) -> dict[str, Any]:
    """The crate's metadata as JSON-LD.

    Parameters
    ----------
    documents
        Files of the release's folder: name to what each is and its media type.
    tables
        Table name to where its Parquet file lies, from the release's folder, and its SHA-256.
    """
    text = source.catalogue
    files = [_file(name, *about) for name, about in sorted(documents.items())]
    described = {each.name: each.description for each in release.contracts}
    files += [_table(name, place, digest, described) for name, (place, digest) in sorted(tables.items())]
    organisations = _organisations(source)
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        "name": text.title,
        "description": text.description,
        "identifier": source.dataset_id,
        "version": release.version,
        "datePublished": release.issued,
        "keywords": ", ".join(sorted(text.keywords)),
        "license": {"@id": text.licence or text.access_url},
        "hasPart": [{"@id": each["@id"]} for each in files],
    }
    root |= {role: {"@id": each["@id"]} for role, each in organisations.items()}
    conditions = {
        "@id": text.licence or text.access_url,
        "@type": "CreativeWork",
        "name": "Conditions of access and use",
        "description": ", ".join((*text.access_conditions, *text.data_use_conditions)),
    }
    descriptor = {
        "@id": NAME,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }
    graph = [descriptor, root, conditions, *organisations.values(), *files]
    return {"@context": f"{_SPECIFICATION}/context", "@graph": graph}


def _organisations(source: SourceContract) -> dict[str, dict[str, Any]]:
    """Publisher and contact, by the name that the dataset gives their role."""
    text = source.catalogue
    found: dict[str, dict[str, Any]] = {}
    if text.publisher is not None:
        found["publisher"] = {"@id": "#publisher", "@type": "Organization", "name": text.publisher.name}
    if text.contact is not None:
        contact = {"@id": "#contact", "@type": "ContactPoint", "name": text.contact.name}
        given = {"email": text.contact.email, "url": text.contact.url}
        found["contactPoint"] = contact | {name: value for name, value in given.items() if value}
    return found


def _file(name: str, what: str, media_type: str) -> dict[str, Any]:
    return {"@id": name, "@type": "File", "name": what, "encodingFormat": media_type}


def _table(name: str, place: str, sha256: str, described: Mapping[str, str]) -> dict[str, Any]:
    digest = urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return {
        "@id": f"ni:///sha-256;{digest}",
        "@type": "File",
        "name": f"{name}.parquet",
        "description": described.get(name, ""),
        "encodingFormat": _PARQUET,
        "contentUrl": place,
    }
