"""COCO's detection format: one JSON file for many images, with boxes and, where known, the regions themselves.

``images`` (id, file_name, width, height), ``annotations`` (image_id, category_id, bbox [x, y, width, height], segmentation as
polygons or run lengths, area, iscrowd) and ``categories`` (id, name). Nodules are the categories whose name contains "nodule" or
"mass" and does not begin with "no" or "non"; where the file has only one other category, it is taken for nodules whatever its name.
cocodataset.org, format of data.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...error_boundary import reads
from ..finding import Finding, Findings, ImageReference, Mask, Provenance
from ..truth import TRUTH
from .atomic import write_atomically
from .coco_masks import mask_of, rle_of
from .errors import FindingsFileError, SaveError
from .images.image_names import apart, image_name
from .json_document import read_json
from .json_values import checked, integer, number, numbers
from .pixels import PixelBox, grid, plain, require_inside, to_pixels, to_world
from .truth.leniency import passed_over

log = logging.getLogger(__name__)
NODULE = "nodule"
NAMES = ("nodule", "mass")
_DENIED = re.compile(r"(?:no|non|not|without)[\W_]", re.IGNORECASE)
"""How the name of a category begins that says what is none: ``non-nodule``."""


@dataclass(frozen=True, eq=False)
class Annotation:
    """A nodule on an image: its box, its region as the file has it (None without), and its score (None without)."""

    box: PixelBox
    segmentation: Any
    score: float | None


@dataclass(frozen=True)
class CocoImage:
    """An image of the file with its nodules; shape is (height, width)."""

    file_name: str
    shape: tuple[int, int]
    annotations: tuple[Annotation, ...]


@reads(FindingsFileError)
def read_coco(path: Path | str) -> list[CocoImage]:
    """The images of a COCO file (may be gzipped), with the annotations that are nodules.

    Raises
    ------
    FindingsFileError
        The file is missing or damaged, none of its categories is a nodule, an annotation belongs to no image or lies outside of
        it; the message says which entry is wrong.
    """
    document, where, strange, known = read_json(path), "the file", 0, 0
    try:
        names = _category_names(document)
        nodules = _nodules(path, names)
        shapes: dict[str, tuple[str, tuple[int, int]]] = {}
        for i, entry in enumerate(_objects(document, "images"), 1):
            where = f"image {i}"
            shape = integer(entry["height"]), integer(entry["width"])
            if _key(entry["id"]) in shapes:
                raise ValueError(f"its id {entry['id']} is taken")
            shapes[_key(entry["id"])] = checked(entry["file_name"], str), shape
        found: dict[str, list[Annotation]] = {key: [] for key in shapes}
        for i, entry in enumerate(_objects(document, "annotations"), 1):
            where = f"annotation {i}"
            with passed_over(partial(_damaged, path, where)):
                image, category = _key(entry["image_id"]), _key(entry["category_id"])
                if image not in shapes:
                    raise ValueError(f"it lies on the image {image}, which the file does not list")
                strange += category not in names
                known += category in names
                if category in nodules:
                    annotation = _annotation(entry)
                    require_inside(annotation.box, shapes[image][1], f"{path}, {where}")
                    found[image].append(annotation)
        if strange and not known:  # numbered otherwise, or lost: every image would count as free of nodules
            raise FindingsFileError(
                f"{path} lists none of the categories of its {strange} annotations (it has: {', '.join(names) or 'none'}): "
                "correct category_id, or the ids of its categories"
            )
        if strange:
            log.warning(
                "%s: %d annotations of categories that it does not list were passed over", path, strange
            )
    except KeyError as error:
        raise FindingsFileError(f"{path} is no complete COCO file ({where}: {error} is missing)") from error
    except (TypeError, ValueError) as error:
        raise _damaged(path, where, str(error)) from error
    return [CocoImage(name, shape, tuple(found[key])) for key, (name, shape) in shapes.items()]


def _damaged(path: Path | str, where: str, why: str) -> FindingsFileError:
    return FindingsFileError(f"{path} is damaged ({where}: {why}): correct or delete the entry")


def _category_names(document: Any) -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in _objects(document, "categories"):
        key, name = _key(entry["id"]), checked(entry["name"], str)
        if names.setdefault(key, name) != name:
            raise ValueError(f"the categories {names[key]!r} and {name!r} have the same id {key}")
    return names


def _key(value: Any) -> str:
    """An id as text: some programs write whole numbers as texts, or with a decimal point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"expected an id, found {json.dumps(value)[:40]}")
    return str(value).strip()


def _nodules(path: Path | str, names: dict[str, str]) -> set[str]:
    """The categories that are nodules: to take none for one would make every image free of nodules."""
    denied = {key for key, name in names.items() if _DENIED.match(name)}
    nodules = {key for key, name in names.items() if any(word in name.lower() for word in NAMES)} - denied
    if not nodules and len(names) == 1 and not denied:
        nodules = set(names)
    if names and not nodules:
        raise FindingsFileError(
            f"{path} has no category of nodules (its categories are {', '.join(names.values())}): name the one that is "
            f"meant {NODULE!r}"
        )
    return nodules


def _objects(document: Any, name: str) -> list[dict[str, Any]]:
    return [checked(entry, dict) for entry in checked(checked(document, dict)[name], list)]


def _annotation(entry: dict[str, Any]) -> Annotation:
    values = numbers(entry["bbox"])
    if len(values) != 4 or not min(values[2:]) > 0:
        raise ValueError(f"its bbox is {list(values)}, not x, y, width and height above 0")
    # A mask of one pixel in the corner has such a box, too.
    one_pixel = bool(entry.get("segmentation")) and all(v == int(v) for v in values)
    if max(values) <= 1 and not one_pixel:
        raise ValueError(f"its bbox is {list(values)}: fractions of the picture, not pixels")
    score = None if entry.get("score") is None else number(entry["score"])
    return Annotation(PixelBox(*values), entry.get("segmentation") or None, score)


def findings_of(coco: CocoImage, image: ImageReference, network: str = "") -> Findings:
    """The nodules of one image as findings: masks where the file outlines them, otherwise boxes.

    Where the picture has another size than the file says, they are brought to its size, masks as their boxes.

    Parameters
    ----------
    coco
        The image with its nodules.
    image
        The same image, as it is open.
    network
        Whose nodules with a score are, which nobody has reviewed; empty: all are the truth.

    Raises
    ------
    FindingsFileError
        A region cannot be read.
    """
    same = not image.shape or tuple(image.shape[-2:]) == tuple(coco.shape)
    sy, sx = (1.0, 1.0) if same else np.asarray(image.shape[-2:]) / np.asarray(coco.shape)
    items = []
    for i, annotation in enumerate(coco.annotations):
        mask = _region(annotation, coco) if same else None
        geometry = (
            to_world(annotation.box.scaled(sx, sy), image)
            if mask is None or not mask.any()
            else _cropped(mask, image)
        )
        score = annotation.score
        found = Finding(
            geometry, 1.0 if score is None else score, provenance=TRUTH, status="accepted", id=f"truth{i}"
        )
        if network and score is not None:  # annotation tools give none, COCO's files of results always
            found = found.with_(provenance=Provenance(network), status="unreviewed")
        items.append(found)
    return Findings(tuple(items), image)


def _region(annotation: Annotation, coco: CocoImage) -> np.ndarray | None:
    if annotation.segmentation is None:
        return None
    try:
        return mask_of(annotation.segmentation, coco.shape)
    except (TypeError, ValueError) as error:
        raise FindingsFileError(
            f"the outline of a nodule on {coco.file_name} is damaged ({error}): correct or delete it in the COCO file"
        ) from error


def _cropped(mask: np.ndarray, image: ImageReference) -> Mask:
    """The region on its bounding grid."""
    spacing, origin = grid(image)
    inside = np.argwhere(mask)
    low, high = inside.min(0), inside.max(0) + 1
    corner = np.asarray(origin) + low * np.asarray(spacing)
    return Mask.from_array(mask[low[0] : high[0], low[1] : high[1]], tuple(spacing), tuple(corner))


def write_coco(cases: Iterable[Findings], path: Path | str) -> None:
    """Write boxes and masks of several images as one COCO file; rejected findings and volumes are left out.

    Masks are run lengths on the image's pixels: where a mask has a grid of its own, each pixel takes the nearest point of it.
    What a network found has its ``score`` besides, as in COCO's files of results; what a person drew has none.

    Raises
    ------
    SaveError
        The size of an image is not known, nothing tells two images apart, or the file could not be written.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (name, findings) in enumerate(apart(cases, path, image_name), 1):
        image = findings.image
        if len(image.shape) < 2:
            raise SaveError(
                f"{path} was not saved: the size of {image_name(image)} is not known; open the image first"
            )
        height, width = image.shape[-2:]
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for finding in findings:
            if finding.status != "rejected" and finding.box is not None:
                entry = {"id": len(annotations) + 1, "image_id": image_id, "category_id": 1}
                annotations.append(entry | _entry(finding, image))
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": NODULE, "supercategory": "finding"}],
    }
    write_atomically(path, json.dumps(document, indent=1).encode() + b"\n")


def _entry(finding: Finding, image: ImageReference) -> dict[str, Any]:
    assert finding.box is not None
    box = to_pixels(finding.box, image)
    entry: dict[str, Any] = {
        "bbox": [plain(v) for v in box],
        "area": box.width * box.height,
        "iscrowd": 0,
    }
    if finding.network_score is not None:
        entry["score"] = float(finding.network_score)
    if isinstance(finding.geometry, Mask):
        mask = on_image(finding.geometry, image)
        entry |= {"segmentation": rle_of(mask), "area": int(mask.sum())}
    return entry


def on_image(mask: Mask, image: ImageReference) -> np.ndarray:
    """A planar region on the pixels of its image: bool (h, w)."""
    spacing, origin = grid(image)
    inside = mask.to_array()
    places, valid = [], []
    for axis, n in enumerate(image.shape[-2:]):
        world = np.arange(n) * spacing[axis] + origin[axis]
        place = np.rint((world - mask.origin[axis]) / mask.spacing[axis]).astype(int)
        valid.append((place >= 0) & (place < inside.shape[axis]))
        places.append(np.clip(place, 0, inside.shape[axis] - 1))
    return inside[np.ix_(*places)] & np.outer(*valid)
