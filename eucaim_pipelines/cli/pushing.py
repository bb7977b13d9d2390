"""What `eucaim push-catalogue` does: the newest released record goes to the site's FAIR Data Point.

The protocol is spoken in `catalogue.fair_data_point`.
"""

from rdflib import Graph

from eucaim_pipelines.assets.catalogued import TURTLE
from eucaim_pipelines.catalogue.fair_data_point import FairDataPoint
from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.settings import Settings

PLACE = "fair_data_point"
"""The fact of a dataset's ledger that says where its record was pushed."""


def push(settings: Settings, dataset: str) -> tuple[str, str]:
    """Push the record of the highest tier that is released; its version, and where it stands.

    Raises
    ------
    SettingsError
        No FAIR Data Point, token or release.
    DataError
        The record is not as it was released.
    EucaimError
        As `FairDataPoint.push`.
    """
    if settings.fair_data_point is None or settings.fair_data_point_token_file is None:
        raise SettingsError("Set fair_data_point and fair_data_point_token_file, then push again.")
    site = Site(settings)
    version, record = _newest(site, site.known(dataset))
    token = read_secret_file(
        settings.fair_data_point_token_file, "The token of the FAIR Data Point", "Ask the point for one."
    )
    point = FairDataPoint(settings.fair_data_point, token.strip())
    with site.restricted.ledger(dataset) as ledger:
        place = point.push(record, ledger.fact(PLACE), lambda given: ledger.note(**{PLACE: given}))
    site.audit.append("record_pushed", dataset, version=version)
    return version, place


def _newest(site: Site, dataset: str) -> tuple[str, Graph]:
    """Version and record of the newest release of the highest tier, its bytes compared with the manifest."""
    for tier in reversed(manifests.TIERS):
        manifest = manifests.current(site.store, dataset, tier)
        if manifest is None:
            continue
        described = next((item for item in manifest.files if item.name == TURTLE), None)
        data = None if described is None else site.store.get(described.key)
        if described is None or data is None or manifests.item("", "", data).sha256 != described.sha256:
            raise DataError(f"The record of Tier {tier} is not as it was released. Run the dataset again.")
        return manifest.version, Graph(bind_namespaces="none").parse(data=data, format="turtle")
    raise SettingsError(f"'{dataset}' has no release whose record could be pushed.")
