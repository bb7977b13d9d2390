"""A small site in one folder: landing, restricted, release, home, key and settings, all below it.

What lies in landing is written by others; existing files are never changed, since their times count.
"""

from pathlib import Path

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.settings import write_settings

FOLDERS = ("restricted", "release", "home")


def prepare(folder: Path) -> Path:
    """Make the folders of the site, a random key and its settings, where they are absent.

    Returns
    -------
    Path
        The settings file, for EUCAIM_SETTINGS.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "restricted").chmod(0o700)
    if not (folder / "key").exists():
        SiteKey.generate(folder / "key")
    settings = folder / "settings.yaml"
    if not settings.exists():
        values = {
            "landing": "landing",
            "restricted": "restricted",
            "release": "release",
            "dagster_home": "home",
            "key_file": "key",
            "sources": str(contracts_folder() / "sources"),
        }
        write_settings(settings, values)
    return settings
