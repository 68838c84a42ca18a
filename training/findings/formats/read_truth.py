"""True nodules of one image from whichever file somebody has: the format is told by its content, not by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from ...error_boundary import reads
from ..finding import Findings, ImageReference
from . import coco, csv_file, jsrt, luna16, nih, node21
from .errors import FindingsFileError
from .images.image_names import image_name, is_named, own_name
from .json_file import read_findings
from .pixels import PixelBox, truth_of
from .tables import cells_of, plain_name, read_text

READ = (
    "*.lungmtl.json, LUNA16's annotations.csv, findings.csv, NODE21's metadata.csv or nodules.json, NIH's BBox_List_2017.csv, "
    "JSRT's CLNDAT_EN.txt or a COCO json"
)


@reads(FindingsFileError)
def read_truth(path: Path | str, image: ImageReference, network: str = "") -> Findings:
    """The true nodules of an image.

    Boxes of files that were made for another size of the picture (NIH's 1024, JSRT's 2048 pixels) are brought to this one. A
    radiograph with a nodule whose place the file does not give has none here.

    Parameters
    ----------
    path
        One of the formats of `READ`; may be gzipped.
    image
        Which image: by series identifier (CT) or by file name (radiographs), with the folders that the file gives (`image_names`).
    network
        Whose the marks of a COCO file with a score are, which nobody has reviewed; empty: they are the truth, too.

    Raises
    ------
    FindingsFileError
        The file is missing, damaged or none of those, or it lists its images and this one is not among them.
    """
    text = read_text(path).lstrip()
    if text.startswith("{"):
        return _from_json(path, text, image, network)
    if text.startswith("<"):
        raise FindingsFileError(
            f"{path} is XML, which is not read here (LIDC's readings are): take LUNA16's annotations.csv, which was made "
            f"from them, or convert it to one of {READ}"
        )
    header = next(iter(text.splitlines()), "")
    plain = plain_name(header)
    kinds: tuple[tuple[str, Callable[[Path | str, ImageReference], Findings]], ...] = (
        ("imgname", _node21),
        ("bbox", _nih),
        ("jpcln", _jsrt),
        ("seriesuid", _series),
        ("seriesinstanceuid", _series),
    )
    for mark, read in kinds:
        if mark in plain:
            return read(path, image)
    raise FindingsFileError(
        f"{path} is no file of true nodules that is read here: choose {READ} (its first line reads {header[:80]!r})"
    )


def _from_json(path: Path | str, text: str, image: ImageReference, network: str) -> Findings:
    try:
        keys = set(json.loads(text))
    except (ValueError, RecursionError):
        keys = set()  # read_findings says what is wrong with the file
    if {"images", "annotations"} <= keys:
        images = coco.read_coco(path)
        own = own_name((one.file_name for one in images), image, path)
        found = [one for one in images if one.file_name == own]
        _require(path, image, found, (one.file_name for one in images))
        if len(found) > 1:
            raise FindingsFileError(
                f"{path} lists {len(found)} images of the name {own}: put before it the folders that tell them apart"
            )
        return coco.findings_of(found[0], image, network)
    if {"type", "boxes"} <= keys:
        return node21.read_nodules_json(path, (image,))[0]
    return read_findings(path)


def _series(path: Path | str, image: ImageReference) -> Findings:
    _, header = next(cells_of(path, ("seriesuid",)), (1, []))
    if "x0" in map(plain_name, header):  # the columns of findings.csv
        cases = csv_file.read_csv(path, (image,))
        return cases.get(own_name(cases, image, path) or "", Findings((), image))
    spots = luna16.read_nodules(path)
    return Findings(luna16.truth_of(spots, own_name(spots, image, path) or "").items, image)


def _node21(path: Path | str, image: ImageReference) -> Findings:
    rows = node21.read_metadata(path)
    name = own_name((row.name for row in rows), image, path)
    own = [row for row in rows if row.name == name]
    _require(path, image, own, (row.name for row in rows))
    return truth_of((row.box for row in own if row.box is not None), image, path)


def _nih(path: Path | str, image: ImageReference) -> Findings:
    own = [b.box for b in nih.read_boxes(path) if is_named(b.name, image) and b.label in nih.NODULES]
    return truth_of(_resized(own, image, nih.SIDE), image, path)


def _jsrt(path: Path | str, image: ImageReference) -> Findings:
    nodules = jsrt.read_nodules(path)
    own = [n for n in nodules if is_named(n.name, image)]
    if not jsrt.is_clear_name(image_name(image)):
        _require(path, image, own, (n.name for n in nodules))
    return truth_of(_resized([n.box for n in own if n.box is not None], image, jsrt.SIDE), image, path)


def _resized(boxes: Iterable[PixelBox], image: ImageReference, side: int) -> Iterable[PixelBox]:
    height, width = image.shape[-2:] or (side, side)
    return (box.scaled(width / side, height / side) for box in boxes)


def _require(path: Path | str, image: ImageReference, own: list, names: Iterable[str]) -> None:
    """Silence about an image is no statement that it shows no nodule."""
    if not own:
        known = sorted(set(names))
        raise FindingsFileError(
            f"{path} says nothing about {image_name(image)}: it lists {len(known)} images"
            + (f", such as {known[0]}; rename the image as the file has it" if known else "")
        )
