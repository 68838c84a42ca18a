"""YOLO's boxes of a picture: ``class x y width height`` on each line, the centre and the size as parts of the picture's sides.

The names of the classes stand in ``classes.txt`` beside; there is one, nodule. docs.ultralytics.com, detection datasets.
"""

from __future__ import annotations

from pathlib import Path

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Provenance
from ..atomic import write_atomically
from ..errors import FindingsFileError, SaveError
from ..pixels import PixelBox, require_inside, to_pixels, to_world
from ..tables import bad_line, read_text

CLASSES = "classes.txt"
_DIGITS = 10


def write_yolo(findings: Findings, path: Path | str) -> list[str]:
    """Write the boxes of one radiograph, and ``classes.txt`` beside; masks become the boxes around them.

    Returns
    -------
    list of str
        A sentence on the second file.

    Raises
    ------
    SaveError
        The size of the picture is not known, or a file could not be written.
    """
    path, image = Path(path), findings.image
    if len(image.shape) != 2:
        raise SaveError(f"{path} was not saved: yolo holds boxes on radiographs only; choose csv or json")
    if path.name == CLASSES:
        raise SaveError(f"{path} was not saved: that is the name of YOLO's list of classes; choose another")
    height, width = image.shape
    lines = []
    for finding in findings:
        if finding.box is not None and finding.status != "rejected":
            box = to_pixels(finding.box, image)
            middle = (box.x + box.width / 2) / width, (box.y + box.height / 2) / height
            values = (*middle, box.width / width, box.height / height)
            lines.append(" ".join(["0", *(f"{v:.{_DIGITS}f}" for v in values)]))
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
    write_atomically(path.with_name(CLASSES), b"nodule\n")
    return [f"the name of the class is in {CLASSES}"]


def is_yolo(text: str) -> bool:
    """Whether a text has the lines of such a file: five or six numbers each, the last four or five between 0 and 1."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    try:
        return bool(rows) and all(
            len(row) in (5, 6) and int(row[0]) >= 0 and all(-1 <= float(v) <= 2 for v in row[1:])
            for row in rows
        )
    except ValueError:
        return False


@reads(FindingsFileError)
def read_yolo(path: Path | str, image: Image) -> Findings:
    """Read the boxes of a radiograph (all classes), with their confidences where there is a sixth column.

    Whose they are is not said: they are the file's, and unreviewed.

    Raises
    ------
    FindingsFileError
        The image is no radiograph, or a line is damaged.
    """
    if image.ndim != 2:
        raise FindingsFileError(
            f"{path} has boxes of a picture, and the image is a volume: open the radiograph."
        )
    height, width = image.shape
    reference = ImageReference.of(image)
    items = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            _, x, y, w, h, *score = map(float, line.split())
        except ValueError as error:
            raise bad_line(path, number, "no class and four parts of the picture") from error
        if not (w > 0 and h > 0):
            raise bad_line(path, number, "a box without size")
        box = PixelBox((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
        require_inside(box, image.shape, f"{path}, line {number}")
        # Without a score too it may be a network's: this program writes both without one, as trainings want it.
        probability = min(max(score[0], 0), 1) if score else 1.0
        items.append(
            Finding(to_world(box, reference), score=probability, provenance=Provenance(Path(path).stem))
        )
    return Findings(tuple(items), reference)
