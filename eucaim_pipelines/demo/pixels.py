"""Small synthetic images that resemble what they stand for: chest, prostate, breast, an ultrasound fan.

Values are plausible, noise is seeded, and nothing is copied from a real person.
"""

from functools import lru_cache

import numpy as np

_FONT = {  # 5 rows of 3 dots per letter, a digit of 3 bits per row
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757",
    "7": "71122", "8": "75757", "9": "75717", "A": "25755", "B": "65656", "C": "34443", "D": "65556",
    "E": "74647", "F": "74644", "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655",
    "L": "44447", "M": "57755", "N": "65555", "O": "25552", "P": "65644", "Q": "25573", "R": "65655",
    "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255", "Y": "55222",
    "Z": "71247", " ": "00000", "-": "00700", ".": "00002",
}  # fmt: skip


@lru_cache(maxsize=64)
def _ellipse(rows: int, columns: int, centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    y, x = np.mgrid[0:rows, 0:columns]
    y, x = y / rows, x / columns
    return ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1


def chest(noise: np.random.Generator, size: int, position: float, nodule: bool) -> np.ndarray:
    """Axial CT of the thorax, stored values with intercept -1024 (uint16); position from 0 to 1."""
    image = np.full((size, size), 24, np.int16)
    image[_ellipse(size, size, (0.5, 0.5), (0.36, 0.46))] = 1064
    lungs = (0.26 - 0.1 * abs(position - 0.5), 0.16)
    for side in (0.3, 0.7):
        image[_ellipse(size, size, (0.48, side), (round(lungs[0], 3), lungs[1]))] = 180
    image[_ellipse(size, size, (0.72, 0.5), (0.06, 0.05))] = 1500
    if nodule:
        image[nodule_mask(size)] = 1090
    image += noise.integers(-12, 13, (size, size), dtype=np.int16)
    return np.clip(image, 0, 4095).astype(np.uint16)


def nodule_mask(size: int) -> np.ndarray:
    """Where the nodule of `chest` lies in one slice (bool)."""
    return _ellipse(size, size, (0.42, 0.7), (0.07, 0.07))


def lung_mask(size: int) -> np.ndarray:
    """Where the right lung of `chest` lies in one slice (bool)."""
    return _ellipse(size, size, (0.48, 0.3), (0.2, 0.15))


def prostate(noise: np.random.Generator, size: int, brightness: int) -> np.ndarray:
    """Axial MR of the pelvis (uint16), brightest at `brightness`."""
    image = np.full((size, size), brightness // 12, np.int16)
    image[_ellipse(size, size, (0.5, 0.5), (0.42, 0.47))] = brightness // 3
    image[prostate_mask(size)] = int(brightness * 0.8)
    image[_ellipse(size, size, (0.52, 0.5), (0.09, 0.1))] = brightness // 2
    image += noise.integers(-9, 10, (size, size), dtype=np.int16)
    return np.clip(image, 0, 4095).astype(np.uint16)


def prostate_mask(size: int) -> np.ndarray:
    """Where the prostate lies in one slice of `prostate` (bool)."""
    return _ellipse(size, size, (0.53, 0.5), (0.15, 0.17))


def breast(noise: np.random.Generator, rows: int, columns: int, left: bool, lesion: bool) -> np.ndarray:
    """Mammogram (uint16), chest wall at the side that its laterality asks for."""
    image = np.zeros((rows, columns), np.int16)
    image[_ellipse(rows, columns, (0.5, 0.0), (0.42, 0.75))] = 1400
    image[_ellipse(rows, columns, (0.5, 0.1), (0.25, 0.45))] = 1900
    if lesion:
        image[_ellipse(rows, columns, (0.4, 0.35), (0.06, 0.08))] = 3000
    inside = image > 0
    image[inside] += noise.integers(-40, 41, int(inside.sum()), dtype=np.int16)
    image = np.clip(image, 0, 4095).astype(np.uint16)
    return np.ascontiguousarray(image if left else image[:, ::-1])


def ultrasound(noise: np.random.Generator, rows: int, columns: int, text: str) -> np.ndarray:
    """RGB ultrasound fan (uint8) with `text` burned into the upper left corner; empty for none."""
    grey = np.zeros((rows, columns), np.uint8)
    fan = _ellipse(rows, columns, (0.0, 0.5), (0.95, 0.4))
    grey[fan] = noise.integers(30, 140, int(fan.sum()), dtype=np.uint8)
    burn_in(grey, text, 1, 1)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def burn_in(image: np.ndarray, text: str, top: int, left: int, *, size: int = 1, value: int = 255) -> None:
    """Write text into a picture, each dot of a letter being `size` pixels; what does not fit is cut off."""
    letters = [[int(row) >> 2 - dot & 1 for dot in range(3)] for letter in text for row in _dots(letter)]
    rows = np.array(letters, bool).reshape(len(text), 5, 3)
    dots = np.pad(rows, ((0, 0), (0, 0), (0, 1))).transpose(1, 0, 2).reshape(5, -1)
    dots = dots.repeat(size, axis=0).repeat(size, axis=1)
    part = image[top : top + dots.shape[0], left : left + dots.shape[1]]
    part[dots[: part.shape[0], : part.shape[1]]] = value


def _dots(letter: str) -> str:
    return _FONT.get(letter, "77777")
