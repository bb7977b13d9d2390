"""Writes exports as the holders deliver them: a folder, a zip or a tar, and the marker once it is complete.

Times, order and owners inside archives are fixed, so that equal plans give equal bytes.
"""

import os
import tarfile
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from eucaim_pipelines.demo.plan import Export, Planted

MARKER = "._COMPLETE"
_UNFINISHED = datetime(2026, 4, 13, 2, 0, tzinfo=UTC)


def write_export(folder: Path, export: Export) -> None:
    """Write one export into a dataset's landing folder; the marker comes last."""
    moment = export.completed or _UNFINISHED
    path = folder / export.name
    if path.suffix == ".zip":
        path.write_bytes(_zip(export.files, moment))
    elif path.suffix == ".tar":
        path.write_bytes(_tar(export.files, moment))
    else:
        _write_folder(path, export.files, moment)
    if path.is_file():
        _set_time(path, moment)
    if export.completed is not None:
        marker = folder / f"{export.name}{MARKER}"
        marker.write_text(f"{export.completed.isoformat()}\n", encoding="utf-8")
        _set_time(marker, moment)


def _set_time(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def _write_folder(root: Path, files: list[Planted], moment: datetime) -> None:
    root.mkdir(parents=True)
    for planted in files:
        path = root / planted.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if planted.kind == "link":
            path.symlink_to(planted.data.decode())
            continue
        path.write_bytes(planted.data)
        _set_time(path, moment)


def _zip(files: list[Planted], moment: datetime) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for planted in files:
            member = zipfile.ZipInfo(planted.path, moment.timetuple()[:6])
            member.compress_type, member.create_system = zipfile.ZIP_DEFLATED, 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, planted.data)
    return buffer.getvalue()


def _tar(files: list[Planted], moment: datetime) -> bytes:
    buffer = BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for planted in files:
            for parent in reversed(Path(planted.path).parents):
                if str(parent) not in folders and str(parent) != ".":
                    folders.add(str(parent))
                    archive.addfile(_member(str(parent), moment, folder=True))
            member = _member(planted.path, moment)
            member.size = len(planted.data)
            archive.addfile(member, BytesIO(planted.data))
    return buffer.getvalue()


def _member(name: str, moment: datetime, folder: bool = False) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    member.mode = 0o755 if folder else 0o644
    member.mtime = int(moment.timestamp())
    return member
