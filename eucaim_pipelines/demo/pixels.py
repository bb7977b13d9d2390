"""Small synthetic images that resemble what they stand for: chest, prostate, breast, an ultrasound fan.

Values are plausible, noise is seeded, and nothing is copied from a real person.
"""

from functools import lru_cache

import numpy as np

_FONT = {  # 5 rows of 3 dots per letter: enough to burn a number into an ultrasound image
    "0": "757", "1": "262", "2": "616", "3": "717", "4": "571", "5": "747", "6": "477", "7": "711",
    "8": "777", "9": "771", "A": "275", "P": "774", "I": "222", "D": "656", " ": "000",
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
    for index, letter in enumerate(text):
        for row, mask in enumerate(_FONT.get(letter, "777")):
            for column in range(3):
                if int(mask, 8) >> (2 - column) & 1 and index * 4 + column < columns:
                    grey[1 + row * 2 : 3 + row * 2, index * 4 + column] = 255
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
