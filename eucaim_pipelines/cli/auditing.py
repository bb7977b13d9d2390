"""What `eucaim audit` prints: whether the log holds, what was done to a dataset, and the log's end to note.

How the log is written and checked is said in `release.audit_log` and `release.audit_check`.
"""

import json
import re
from collections.abc import Mapping

import typer

from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.release.audit_check import Checked, check
from eucaim_pipelines.release.audit_log import HEAD, LOG
from eucaim_pipelines.settings import load_settings

_NOTED = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{64})")


def verify(given: str | None, noted: str | None) -> None:
    """Check the log, and say how many lines hold.

    Raises
    ------
    DataError
        With file and line of the first that does not hold.
    SettingsError
        The key or the noted head is none.
    """
    found = _NOTED.fullmatch(noted or "")
    if noted is not None and found is None:
        raise SettingsError("A noted head reads NUMBER:HASH, as 'eucaim audit head' prints it.")
    if given is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise SettingsError("A public key is 64 hexadecimal digits, as 'eucaim public-key' prints them.")
    site = Site(load_settings())
    checked = _check(site, given, (int(found[1]), found[2]) if found else None)
    if not checked.lines and checked.fault is None and site.datasets():
        raise DataError(
            f"There is no audit log ({LOG}, {HEAD}), though work was done here: put back your copy of both."
        )
    typer.echo(f"audit log: {len(checked.lines)} lines hold")
    for line in checked.key_changes:
        typer.echo(
            f"line {line.n}, {line.time}: the key changed. What stands above was signed with "
            f"{line.told['before']}: it holds only if that key was yours."
        )
    if checked.interrupted:
        raise DataError(
            f"{checked.fault}. An interrupted append leaves this: the next one completes it and says so."
        )
    if checked.fault is not None:
        raise DataError(f"{checked.fault}.")


def show(dataset: str, as_json: bool) -> None:
    """Print the lines of a dataset that hold; the first bad line is an error after them."""
    checked = _check(Site(load_settings()), None, None)
    for line in checked.lines:
        if line.dataset != dataset:
            continue
        if as_json:
            typer.echo(line.to_bytes().decode().rstrip("\n"))
        else:
            typer.echo(f"{line.n:>6}  {line.time}  {line.event}  {_told(line.told)}".rstrip())
    if checked.fault is not None:
        raise DataError(f"{checked.fault}.")


def head() -> None:
    """Print number and hash of the last line, if the whole log holds."""
    checked = _check(Site(load_settings()), None, None)
    if checked.fault is not None:
        raise DataError(f"{checked.fault}.")
    if not checked.lines:
        raise SettingsError("The audit log has no line yet.")
    typer.echo(f"{checked.lines[-1].n}:{checked.lines[-1].hash}")


def _check(site: Site, given: str | None, noted: tuple[int, str] | None) -> Checked:
    trusted = given if given is not None else public_key(site.audit.site_key())
    return check(site.settings.restricted, trusted, noted)


def _told(told: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {json.dumps(value).strip(chr(34))}" for name, value in sorted(told.items()))
