"""Which object store the settings name.

How a store keeps keys is said in the modules beside this one.
"""

from pathlib import Path

import dagster as dg

from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines.resources.s3_store import S3Store


def open_store(release: str, endpoint: str | None, region: str) -> ObjectStore:
    """The store of a `release` setting: a folder, or `s3://bucket/prefix`."""
    if not release.startswith("s3://"):
        return FolderStore(Path(release))
    bucket, _, prefix = release.removeprefix("s3://").partition("/")
    return S3Store(bucket, prefix.strip("/"), endpoint, region)


class Store(dg.ConfigurableResource):
    """The place of releases, as the settings name it."""

    release: str
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"

    def place(self) -> str:
        """Which store it is, for telling one from another."""
        return f"{self.release} {self.s3_endpoint or ''}"

    def open(self) -> ObjectStore:
        """The store itself."""
        return open_store(self.release, self.s3_endpoint, self.s3_region)
