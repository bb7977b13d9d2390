"""The extra `[ocr]`: whether it is installed, and where its models lie.

Nothing of it is imported here, so that a process which cleans no pixels never pays for it.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

_PACKAGES = ("rapidocr", "onnxruntime", "cv2")


def available() -> bool:
    """Whether the packages are installed, with the two models that lie in the wheel."""
    return all(find_spec(name) for name in _PACKAGES) and len(models()) == 2


def release() -> str:
    """Name and version of what finds the text."""
    return f"rapidocr {version('rapidocr')}"


def models() -> list[Path]:
    """Files of the detector's and the recogniser's model; fewer than two when they are not there."""
    package = find_spec("rapidocr")
    if package is None or package.origin is None:
        return []
    folder = Path(package.origin).parent / "models"
    return [path for task in ("det", "rec") for path in sorted(folder.glob(f"*_{task}_*.onnx"))[:1]]
