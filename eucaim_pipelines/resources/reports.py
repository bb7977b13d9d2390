"""Where a person opens a report on this machine: addresses, and which file or released object they stand for.

How they are served is in `cli.serving`; what a report says, in the package `report`.
"""

import re
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from eucaim_pipelines.release.manifest import tier_folder
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.resources.zones import dataset_folder

REPORT = "report.html"
LOCAL, SHAREABLE = "local", "shareable"
_ADDRESS = re.compile(
    r"/([A-Za-z0-9_-]{1,150})/tier_([123])/(local|shareable|\d{4}\.\d{2}\.\d{2}-[0-9a-f]{8})\.html"
)


class Reports(dg.ConfigurableResource):
    """The address under which `eucaim reports` serves the reports."""

    address: str

    def url(self, dataset: str, tier: int, edition: str) -> str:
        """Address of one edition: `local`, `shareable` as staged, or the version of a release."""
        return f"{self.address.rstrip('/')}{path(dataset, tier, edition)}"


class Asked(NamedTuple):
    """Which report an address stands for."""

    dataset: str
    tier: int
    edition: str


def path(dataset: str, tier: int, edition: str) -> str:
    """The path of a report's address."""
    return f"/{dataset}/tier_{tier}/{edition}.html"


def asked(path: str) -> Asked | None:
    """What a path asks for; None for anything that is not the path of a report."""
    found = _ADDRESS.fullmatch(path)
    return Asked(found[1], int(found[2]), found[3]) if found else None


def read(wanted: Asked, restricted: Path, store: ObjectStore) -> bytes | None:
    """The report itself; None where there is none."""
    if wanted.edition not in (LOCAL, SHAREABLE):
        return store.get(f"{tier_folder(wanted.dataset, wanted.tier)}/{wanted.edition}/{REPORT}")
    file = report_file(restricted, wanted.dataset, wanted.tier, wanted.edition)
    return file.read_bytes() if file.is_file() else None


def report_file(restricted: Path, dataset: str, tier: int, edition: str) -> Path:
    """Where an edition lies on this machine."""
    folder = dataset_folder(restricted, dataset)
    return (folder if edition == LOCAL else folder / "releasable") / f"tier_{tier}" / REPORT
