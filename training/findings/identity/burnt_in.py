"""Text in the pixels of pictures: names that no header tells, to be looked at before a file is passed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...errors import LungmtlError
from ...imaging.paths import suffix_of
from ...imaging.read import read_image
from ..finding import Findings

if TYPE_CHECKING:
    from ..formats.dicom.writing.source import Source

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
LEAST = 4
"""Letters that make a line: a side marker has fewer."""
CONTRAST = 0.3
"""Height of a letter's strokes above (or depth below) what is around them, as a part of the picture's range."""
_SIZES = (0.006, 0.08)
"""Height of letters, as a part of the picture's height; none is less than `_FEWEST_ROWS` high."""
_FEWEST_ROWS = 5
_LARGEST = 1024
"""Rows and columns that are looked at; larger pictures are thinned out."""


class Line(NamedTuple):
    """Where a line of text seems to stand: first and last row and column, in pixels."""

    top: int
    left: int
    bottom: int
    right: int


def burnt_in(
    cases: Iterable[Findings], source: Source | None, attached: Sequence[Path] = ()
) -> Iterator[str]:
    """Tell of which pictures a person must see that no name stands in them.

    Parameters
    ----------
    cases
        The findings that are to be handed on; radiographs among their images are looked at, as far as they can be read.
    source
        The DICOM series, whose header may say that text is burnt in (BurnedInAnnotation).
    attached
        Files that go with them.

    Yields
    ------
    str
        Sentences.
    """
    if source is not None and str(source.datasets[0].get("BurnedInAnnotation", "")).upper() == "YES":
        yield "the header of the images says that text is burnt into their pixels: look at them before you pass them on"
    for case in cases:
        if len(case.image.shape) == 2 and case.image.source:
            yield from _of_radiograph(case)
    for file in attached:
        if suffix_of(file) in PICTURES:
            lines = _lines_of(file)
            if lines is None or lines:
                yield f"{file.name} {_words(lines)}: look whether a name is among it"
        else:
            yield f"{file.name} was not looked into: see yourself that no name stands in it"


def _of_radiograph(case: Findings) -> Iterator[str]:
    try:
        image = read_image(Path(case.image.source), series=case.image.series_uid)
    except LungmtlError:  # a picture that is not there cannot be passed on
        return
    if lines := text_lines(image.voxels):
        yield f"the radiograph {_words(lines)}: look at it before you pass it on"


def _words(lines: Sequence[Line] | None) -> str:
    if lines is None:
        return "could not be looked into"
    first = lines[0]
    return f"seems to show {len(lines)} line{'s' * (len(lines) > 1)} of text (row {first.top}, column {first.left})"


def _lines_of(file: Path) -> list[Line] | None:
    """The lines of a picture; None where it cannot be read."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(file) as picture:
            return text_lines(np.asarray(picture.convert("L")))
    except (UnidentifiedImageError, OSError):
        return None


def text_lines(pixels: np.ndarray) -> list[Line]:
    """Find lines of printed text: at least four separate shapes of one height, side by side, brighter or darker than around them.

    It is a hint and no proof: handwriting, text on a busy ground and single letters are passed over.

    Parameters
    ----------
    pixels
        (y, x) values.
    """
    step = max(1, -(-max(pixels.shape) // _LARGEST))
    thin = np.asarray(pixels[::step, ::step], np.float32)
    low, high = np.percentile(thin, (0.1, 99.9))
    if min(thin.shape) < 2 * _FEWEST_ROWS or high <= low:
        return []
    scaled = np.clip((thin - low) / (high - low), 0, 1)
    lines = [line for picture in (scaled, 1 - scaled) for line in _bright_lines(picture)]
    return [Line(*(step * edge for edge in line)) for line in _each_once(lines)]


def _each_once(lines: Sequence[Line]) -> list[Line]:
    """Lines of which none lies on another: the rims of bright letters are dark ones."""
    kept: list[Line] = []
    for line in sorted(lines):
        if not any(
            line.top < k.bottom and line.bottom > k.top and line.left < k.right and line.right > k.left
            for k in kept
        ):
            kept.append(line)
    return kept


def _bright_lines(picture: np.ndarray) -> Iterator[Line]:
    from scipy.ndimage import find_objects, label, white_tophat

    smallest = max(_FEWEST_ROWS, _SIZES[0] * picture.shape[0])
    largest = _SIZES[1] * picture.shape[0]
    # Strokes are thinner than a fifth of the largest letter: what is wider than that is ribs, edges and markers of lead.
    width = max(3, int(largest / 5) | 1)
    shapes, _ = label(white_tophat(picture, size=(width, width)) > CONTRAST, np.ones((3, 3)))
    letters = [
        (rows.start, columns.start, rows.stop, columns.stop)
        for rows, columns in find_objects(shapes)
        if smallest <= rows.stop - rows.start <= largest and columns.stop - columns.start <= 2 * largest
    ]
    for members in _side_by_side(letters):
        edges = np.array([letters[i] for i in members])
        top, left = edges[:, :2].min(0)
        bottom, right = edges[:, 2:].max(0)
        yield Line(int(top), int(left), int(bottom), int(right))


def _side_by_side(letters: Sequence[tuple[int, int, int, int]]) -> Iterator[list[int]]:
    """Groups of at least `LEAST` shapes that stand on one line, of about one height, each near the next."""
    left = sorted(range(len(letters)), key=lambda i: letters[i][1])
    while left:
        line = [left.pop(0)]
        for i in list(left):
            if _goes_on(letters[line[-1]], letters[i]):
                line.append(i)
                left.remove(i)
        if len(line) >= LEAST:
            yield line


def _goes_on(last: tuple[int, int, int, int], one: tuple[int, int, int, int]) -> bool:
    """Whether a shape is the next letter of a line (a capital may follow a small one, a gap between words a letter)."""
    heights = last[2] - last[0], one[2] - one[0]
    tall, gap = max(heights), one[1] - last[3]
    apart = min(abs(last[2] - one[2]), abs(last[0] - one[0]))
    return max(heights) <= 1.6 * min(heights) and apart <= 0.25 * tall and -0.3 * tall <= gap <= 1.5 * tall
