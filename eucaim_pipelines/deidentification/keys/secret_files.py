"""Reading files that only their owner may read: the key, the Lethe secret, the trust office's map.

What they hold is checked where it is used.
"""

import stat
from pathlib import Path

from eucaim_pipelines.errors import SiteKeyError


def read_secret_file(path: Path, what: str, remedy: str = "Restore your copy of it.") -> str:
    """Text of a file that nobody but its owner may read.

    Parameters
    ----------
    path
        A regular file of mode 0600 or stricter, UTF-8.
    what
        How messages call it; the path is not repeated.
    remedy
        What to do when it cannot be read.

    Raises
    ------
    SiteKeyError
        The file is missing, no text, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise SiteKeyError(f"{what} must be a regular file that only its owner can read: chmod 600.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise SiteKeyError(f"{what} cannot be read. {remedy}") from None
