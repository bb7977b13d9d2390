"""The command that de-identifies one folder or archive, without a site, a dataset or Dagster.

Options and what the terminal shows; the work lies in `deidentification.one_off`.
"""

import gc
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eucaim_pipelines.errors import DataError, SettingsError

if TYPE_CHECKING:
    from eucaim_pipelines.deidentification.images import Deidentifier
    from eucaim_pipelines.deidentification.one_off.folder import Summary
    from eucaim_pipelines.deidentification.options import DatePolicy, PixelPolicy
    from eucaim_pipelines.deidentification.rules.profile import Profile

_SHOWN_EVERY = 0.2
"""Seconds between two lines of progress."""


def deidentify(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Folder, .zip or .tar with DICOM files; read only.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; empty or not there yet.")],
    key_file: Annotated[
        Path | None, typer.Option(help="File of the key (eucaim keygen); without it EUCAIM_KEY holds it.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Profile of data_contracts/deidentification, or path of a folder: ./mine")
    ] = "eucaim",
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; without it one per processor.")
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="What became of every input; private: it holds the senders' paths. "
            "Without it ./<name of OUT>.ledger.csv, with a number where that is there already.",
        ),
    ] = None,
    dates: Annotated[
        Literal["shift", "day_one", "remove"],
        typer.Option(help="Patients' dates: whole weeks back, first of the month, or none."),
    ] = "shift",
    pixels: Annotated[
        Literal["quarantine", "clean"],
        typer.Option(help="Images that may show text: held back, or cleaned and looked at again."),
    ] = "quarantine",
    pseudonym_map: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Pseudonyms that a trust office decided on.")
    ] = None,
    verify: Annotated[
        Literal["sampled", "full"],
        typer.Option(envvar="EUCAIM_VERIFY", help="Which outputs pydicom reads back."),
    ] = "sampled",
    max_file_bytes: Annotated[
        int, typer.Option(min=1024, help="Larger files are quarantined as TOO_LARGE.")
    ] = 4 * 1024**3,
) -> None:
    """De-identify and verify the DICOM files of a folder or archive: OUT/patient/study/series/object.dcm."""
    made = _deidentifier(key_file, pseudonym_map, profile, dates, pixels)
    from eucaim_pipelines.deidentification.one_off.folder import deidentify_all

    table = ledger or _free_ledger(out.resolve().name)
    with _told_when_ended():
        summary = deidentify_all(
            source,
            out,
            table,
            made,
            workers=workers or os.cpu_count() or 1,
            limit=max_file_bytes,
            read_all=verify == "full",
            progress=_Progress(),
        )
    _print(summary, table)
    if not any(disposition == "published" for disposition, _ in summary.counts):
        raise DataError("No object could be published, so there is nothing in OUT. The ledger says why.")


def _deidentifier(
    key_file: Path | None,
    pseudonym_map: Path | None,
    profile: str,
    dates: "DatePolicy",
    pixels: "PixelPolicy",
) -> "Deidentifier":
    gc.disable()  # start-up makes tables that stay, and frees nothing
    try:
        from eucaim_pipelines.deidentification.images import Deidentifier
        from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
        from eucaim_pipelines.deidentification.keys.trust_office import read_map
        from eucaim_pipelines.deidentification.options import Options

        _require_key(key_file)
        key = SiteKey.load(key_file)
        overrides = read_map(pseudonym_map, "--pseudonym-map") if pseudonym_map else None
        options = Options(dates=dates, pixels=pixels)
        return Deidentifier(_profile(profile), Pseudonyms(key, overrides), options=options)
    finally:
        gc.freeze()
        gc.enable()


def _require_key(key_file: Path | None) -> None:
    """Say what is missing in the words of this command."""
    if key_file is None and not os.environ.get("EUCAIM_KEY"):
        raise SettingsError("No key: give --key-file FILE or set EUCAIM_KEY.")
    if key_file is not None and not key_file.exists():
        raise SettingsError(
            "There is no file at --key-file. Restore your copy: with another key every pseudonym changes. "
            "Only who has never released anything writes a new one: eucaim keygen FILE."
        )


def _free_ledger(name: str) -> Path:
    """The usual name of a ledger; no earlier one is ever overwritten."""
    names = itertools.chain(
        [f"{name}.ledger.csv"], (f"{name}.ledger-{number}.csv" for number in itertools.count(2))
    )
    return next(path for path in map(Path, names) if not path.exists())


def _profile(name: str) -> "Profile":
    from eucaim_pipelines.deidentification.rules.profile import Profile

    try:
        if os.sep in name:
            return Profile.load(folder=Path(name))
        return Profile.load(name)
    except OSError:
        raise SettingsError(
            "--profile names neither a profile of data_contracts/deidentification nor a folder that holds "
            "eucaim.csv, attribute_types.csv and sop_class_modules.csv."
        ) from None


class _Progress:
    """One line on a terminal that is written anew; nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = self._started = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._terminal and (done == total or now - self._shown > _SHOWN_EVERY):
            self._shown = now
            rate = done / max(now - self._started, 1e-9)
            line = f"\r{done} of {total} files, {rate:.0f} a second\x1b[K" + "\n" * (done == total)
            typer.echo(line, nl=False, err=True)


def _print(summary: "Summary", ledger: Path) -> None:
    """Counts and speed; no sender's path."""
    width = max(len(reason) for _, reason in summary.counts)
    for (disposition, reason), count in sorted(summary.counts.items()):
        typer.echo(f"{disposition:12} {reason:{width}} {count:9}")
    rate, megabytes = summary.inputs / summary.seconds, summary.bytes / 1e6
    typer.echo(f"{summary.inputs} files, {megabytes:.1f} MB, in {summary.seconds:.1f} s: {rate:.0f} a second")
    typer.echo(f"Ledger: {ledger}. It holds the senders' paths: keep it private.")


@contextmanager
def _told_when_ended() -> Iterator[None]:
    """Ended from outside: nothing is published, what was written so far is cleared, and this is said."""
    signal.signal(signal.SIGTERM, _ended)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        typer.echo("eucaim: Interrupted; nothing was published.", err=True)
        raise


def _ended(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)
