"""Whole de-identifying programs against each other and `cp -r`: wall clock, CPU and peak memory.

Every program is a process of its own and they take turns, so that all meet the same machine; the best round
of each counts. Prints tables and asserts nothing about time. This process stays small on purpose: Linux
counts the memory of whoever starts a process to that process.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
OURS = "this project, {} worker{}"
DICOGNITO, ANONYMIZER, GDCM, COPY = "dicognito", "dicom-anonymizer", "gdcmanon", "cp -r"
KEY = bytes(range(32)).hex()
Command = Callable[[Path, Path], list[str]]


class Run(NamedTuple):
    """One program over one folder; `megabytes` is the memory of its largest process."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    outputs: int


def programs(scratch: Path, anonymizer: str | None) -> dict[str, Command]:
    """The programs that are installed here, by name; one line on the terminal for each that is not."""
    found: dict[str, Command] = {COPY: lambda source, out: ["cp", "-r", str(source), str(out)]}
    for workers in (1, 2):
        found[OURS.format(workers, "s" if workers > 1 else "")] = _ours(scratch, workers)
    found[DICOGNITO] = lambda source, out: [
        sys.executable, "-m", "dicognito", "--quiet", "-o", str(out), str(source)
    ]  # fmt: skip
    gdcm = shutil.which("gdcmanon")
    if gdcm and shutil.which("openssl"):
        found[GDCM] = _gdcm(gdcm, _certificate(scratch))
    else:
        print("gdcmanon (Debian: libgdcm-tools) or openssl is not installed; left out")
    tool = anonymizer or shutil.which("dicom-anonymizer")
    if tool:
        found[ANONYMIZER] = lambda source, out: [tool, str(source), str(out)]
    else:
        print("dicom-anonymizer (PyPI) is not installed; left out (or name it with --dicom-anonymizer)")
    return found


def _ours(scratch: Path, workers: int) -> Command:
    def command(source: Path, out: Path) -> list[str]:
        ledger = scratch / "ledger.csv"
        ledger.unlink(missing_ok=True)
        places = [str(source), str(out), "--ledger", str(ledger), "--key-file", str(scratch / "key")]
        return [str(BIN / "eucaim"), "deidentify", *places, "--workers", str(workers)]

    (scratch / "key").write_text(KEY, encoding="ascii")
    (scratch / "key").chmod(0o600)
    return command


def _gdcm(program: str, certificate: Path) -> Command:
    """PS3.15's Basic Profile; it keeps the originals of what it changes, encrypted, in the object."""
    base = [program, "-e", "-r", "--continue", "-c", str(certificate)]
    return lambda source, out: [*base, "-i", str(source), "-o", str(out)]


def _certificate(scratch: Path) -> Path:
    path = scratch / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "1"]
    keys = ["-keyout", str(scratch / "certificate.key"), "-out", str(path)]
    subprocess.run([*command, *keys], check=True, capture_output=True)  # noqa: S603
    return path


def measure(command: list[str], out: Path) -> Run:
    """Run a program and wait for it; its output goes to `out`, which is removed afterwards."""
    out.parent.mkdir(exist_ok=True)
    if not command[0].endswith(("cp", "eucaim")):
        out.mkdir()
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=said)  # noqa: S603
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    outputs = sum(len(files) for _, _, files in os.walk(out))
    shutil.rmtree(out, ignore_errors=True)
    os.sync()  # what one program wrote is not to slow down the next
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, outputs)


def compare(kind: str, source: Path, commands: Mapping[str, Command], rounds: int, scratch: Path) -> None:
    """Let all programs take turns on one folder; print the best round of each, and what follows from it."""
    files = [Path(folder, name) for folder, _, names in os.walk(source) for name in names]
    size = sum(len(file.read_bytes()) for file in files) / 1e6  # read once: all find it in the page cache
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measure(command(source, scratch / "out"), scratch / "out"))
    best = {name: min(found) for name, found in runs.items()}
    print(f"\n{kind}: {len(files)} objects, {size:.0f} MB, best of {rounds} rounds")
    print(f"{'':26}{'seconds':>9}{'objects/s':>11}{'MB/s':>7}{'CPU s':>8}{'peak MB':>9}  outputs")
    for name, run in best.items():
        speed = f"{run.seconds:9.2f}{len(files) / run.seconds:11.0f}{size / run.seconds:7.0f}"
        print(f"{name:26}{speed}{run.cpu_seconds:8.2f}{run.megabytes:9.0f}{run.outputs:9}")
    _print_ratios(best)


def _print_ratios(best: Mapping[str, Run]) -> None:
    one, two = (best[OURS.format(*workers)] for workers in ((1, ""), (2, "s")))
    for peer in (DICOGNITO, ANONYMIZER, GDCM):
        if peer in best and best[peer].outputs == best[COPY].outputs:
            seconds = best[peer].seconds
            print(
                f"  {seconds / one.seconds:5.1f} times {peer}, {seconds / two.seconds:.1f} with two workers"
            )
    print(f"  {two.seconds / best[COPY].seconds:5.1f} times the duration of cp -r, with two workers")


def main() -> None:
    """Make the objects once, measure, and remove everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=2000, help="CT objects of 0.5 MB")
    parser.add_argument("--large", type=int, default=20, help="objects of mammography and enhanced MR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    parser.add_argument("--dicom-anonymizer", default=os.environ.get("DICOM_ANONYMIZER"), metavar="PROGRAM")
    parser.add_argument("--only", nargs="*", help="names of the programs to measure")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        scratch = Path(folder)
        commands = programs(scratch, chosen.dicom_anonymizer)
        if chosen.only:
            needed = {COPY, *(name for name in commands if name.startswith("this"))}
            commands = {n: c for n, c in commands.items() if n in needed | set(chosen.only)}
        kinds = {"ct": chosen.objects, "mg": chosen.large, "mr": chosen.large}
        for kind, count in kinds.items():
            if count:
                make = [sys.executable, str(HERE / "generated.py"), kind, str(count), str(scratch / kind)]
                subprocess.run(make, check=True)  # noqa: S603
                compare(kind.upper(), scratch / kind, commands, chosen.rounds, scratch)
                shutil.rmtree(scratch / kind)


if __name__ == "__main__":
    main()
