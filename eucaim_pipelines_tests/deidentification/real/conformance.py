"""What `dciodvfy` (Debian's dicom3tools) says of a file: its errors, without the values in them.

Which errors an output may have is said in the test.
"""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

TOOL = "dciodvfy"
_CLEANED = (
    (re.compile(r"\b[0-9]+(?:\.[0-9]+){2,}\b"), "UID"),
    (re.compile(r"(?:= |UI \[[0-9]+\] = )<.*>"), "= VALUE"),
    (re.compile(r"(?<=enumerated value )<.*?>|(?<=defined term )<.*?>"), "VALUE"),
    (re.compile(r"(?<!Type )(?<![\w(,.])(?:0x[0-9a-f]+|[0-9]+)(?![\w,.)])"), "NUMBER"),
)


def available() -> bool:
    """Whether the tool is installed."""
    return shutil.which(TOOL) is not None


def errors(data: bytes, scratch: Path) -> Counter[str]:
    """Errors of a file, each with how often it occurs; a tag, module and rule but no value."""
    scratch.write_bytes(data)
    said = subprocess.run([TOOL, str(scratch)], capture_output=True, check=False, timeout=60)
    lines = (said.stderr + said.stdout).decode("utf-8", "replace").splitlines()
    return Counter(_without_values(line) for line in lines if re.search(r"\bError\b", line))


def _without_values(line: str) -> str:
    for pattern, replacement in _CLEANED:
        line = pattern.sub(replacement, line)
    return line.strip()
