"""Text in pictures: where it stands, and whether it is a mark that may stay.

Pictures are 8-bit RGB arrays here; which frames are looked at and what is blanked is decided in `pixels`.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from eucaim_pipelines.deidentification.pixels import extra
from eucaim_pipelines.deidentification.pixels.boxes import Box, around, touching
from eucaim_pipelines.dicom.tables import rows

SCALES = (1.0, 1.5)
"""Small letters are found in the enlarged picture, large ones in the picture as it is."""
SMALLEST_SIDE, LARGEST_SIDE = 320, 1600
"""Smaller pictures are enlarged first; larger ones are looked at as a whole, reduced, and in tiles."""
TILE, OVERLAP = 1200, 160
GIANT = 0.35
"""A box higher than this part of the picture's shorter side holds a texture or many lines, not one."""
FLAT = 4
"""A picture whose values differ by less, of 255, shows nothing."""
SURE, READ = 0.8, 0.5
"""Least certainty of the recogniser for a mark that stays, and for a text that counts as read."""
WIDEST_LETTER = 1.5
"""Widest letter, in heights of its line: a name that is taken for an `L` is wider than one letter."""


class Text(NamedTuple):
    """One text: the boxes it was found in, and what was read in them."""

    boxes: tuple[Box, ...]
    words: str
    certainty: float

    @property
    def may_stay(self) -> bool:
        """Whether it is a laterality or scale mark of `burned_in_allowed.csv`, and nothing more."""
        width, height = around(self.boxes).size
        letters = len(self.words.replace(" ", ""))
        return (
            self.certainty >= SURE
            and width <= WIDEST_LETTER * height * letters
            and _allowed().fullmatch(self.words.strip()) is not None
        )

    @property
    def is_guessed(self) -> bool:
        """Whether the recogniser makes anything of it."""
        return self.certainty >= READ and any(letter.isalnum() for letter in self.words)

    @property
    def is_read(self) -> bool:
        """Whether somebody can read it."""
        return self.certainty >= READ and sum(letter.isalnum() for letter in self.words) > 1


def find(pictures: Sequence[np.ndarray]) -> list[Text]:
    """Every text of a frame.

    Parameters
    ----------
    pictures
        The frame in one or several lights, each (rows, columns, 3) of 8 bits.

    Returns
    -------
    list of Text
        Also boxes in which nothing was recognised: what looks like text counts as text.
    """
    found = [box for picture in pictures for box in _found(picture)]
    return [max((_read(p, group) for p in pictures), key=_certainty) for group in touching(found)]


def _found(picture: np.ndarray) -> list[Box]:
    """Boxes of all parts; a giant one counts if it can be read, and is looked into closely if it cannot."""
    parts = list(_parts(picture))
    boxes = [box for part in parts for box in _boxes(picture, *part)]
    limit = GIANT * min(picture.shape[:2])
    lines = [box for box in boxes if min(box.size) <= limit]
    giants = [box for box in boxes if min(box.size) > limit]
    lines += [box for box in giants if _read(picture, [box]).is_read]
    if giants:
        close = 2 * parts[0][1]
        inside = [box for part in around(giants).quarters() for box in _boxes(picture, part, close, False)]
        lines += [box for box in inside if min(box.size) <= limit]
    return lines


def _parts(picture: np.ndarray) -> Iterator[tuple[Box, float, bool]]:
    """Parts of a picture to look at, by which factor to enlarge each, and whether to brighten it."""
    height, width = picture.shape[:2]
    whole = Box(0, 0, width, height)
    if max(height, width) <= LARGEST_SIDE:
        factor = max(1.0, SMALLEST_SIDE / min(height, width))
        yield from ((whole, factor * scale, False) for scale in SCALES)
        yield whole, factor, True
        return
    factor = TILE / max(height, width)
    yield from ((whole, factor, brightened) for brightened in (False, True))
    for top in _starts(height):
        for left in _starts(width):
            yield Box(left, top, min(left + TILE, width), min(top + TILE, height)), 1.0, False


def _starts(length: int) -> range:
    return range(0, max(length - OVERLAP, 1), TILE - OVERLAP)


def _boxes(picture: np.ndarray, part: Box, factor: float, brightened: bool) -> list[Box]:
    import cv2

    image = np.ascontiguousarray(picture[part.top : part.bottom, part.left : part.right])
    if int(image.max()) - int(image.min()) < FLAT:
        return []
    if brightened:
        image = (np.sqrt(image / np.float32(255)) * 255).astype(np.uint8)
    if factor != 1:
        way = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=way)
    corners = _engine()(image, use_det=True, use_cls=False, use_rec=False).boxes
    height, width = picture.shape[:2]
    boxes = []
    for corner in [] if corners is None else np.asarray(corners) / factor:
        tall = min(np.linalg.norm(corner[0] - corner[3]), np.linalg.norm(corner[0] - corner[1]))
        margin = max(2.0, 0.15 * tall)
        low, high = np.floor(corner.min(axis=0) - margin), np.ceil(corner.max(axis=0) + margin)
        left, right = (int(x) + part.left for x in (low[0], high[0]))
        top, bottom = (int(y) + part.top for y in (low[1], high[1]))
        boxes.append(Box(max(left, 0), max(top, 0), min(right, width), min(bottom, height)))
    return [box for box in boxes if box.left < box.right and box.top < box.bottom]


def _read(picture: np.ndarray, group: list[Box]) -> Text:
    box = around(group)
    crop = np.ascontiguousarray(picture[box.top : box.bottom, box.left : box.right])
    result = _engine()(crop, use_det=False, use_cls=False, use_rec=True)
    words, certainty = "".join(result.txts or ()), min(result.scores or (0.0,))
    return Text(tuple(group), words, float(certainty))


def _certainty(text: Text) -> float:
    return text.certainty


@cache
def _allowed() -> re.Pattern[str]:
    patterns = (row["pattern"] for row in rows("deidentification/burned_in_allowed.csv"))
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.ASCII)


@cache
def _engine() -> Any:
    """The recogniser, once per process and on one thread: workers are processes.

    Its models are named by their files, so that it never looks for them elsewhere; it is made to say nothing.
    """
    logging.getLogger("RapidOCR").disabled = True
    with warnings.catch_warnings(action="ignore"):
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        detector, recogniser = extra.models()
        threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
        engine = RapidOCR(
            params=threads
            | {
                "Global.log_level": "critical",
                "Global.max_side_len": 4 * LARGEST_SIDE,
                "Det.limit_type": "min",
                "Det.limit_side_len": 32,
                "Det.model_path": str(detector),
                "Rec.model_path": str(recogniser),
            }
        )
        return engine
