"""The truth of an open image from whichever file somebody has, told by its content."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ....error_boundary import reads
from ....imaging.dicom.header import is_part10, read_header
from ....imaging.formats import format_of
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Sphere
from ...geometry import Box
from ...truth import TRUTH, Truth, is_true
from .. import luna16
from ..errors import FindingsFileError
from ..images.image_names import image_name, own_name
from ..images.other_image import other_image_words
from ..lidc.truth import lidc_truth
from ..pixels import truth_of
from ..public import chestxdet10
from ..public.deeplesion import Lesion, read_lesions
from ..read_truth import READ, read_truth
from ..tables import plain_name, read_text
from .labels import label_truth
from .leniency import read_leniently

KNOWN = (
    f"{READ}, LIDC's XML, ChestX-Det10's json, DeepLesion's DL_info.csv, a DICOM SEG or SR, or a label volume"
)
"""What can be truth, for a person."""
EXCLUDED = ("annotations_excluded.csv", "annotations_excluded.csv.gz")
"""Files that belong to LUNA16's ``annotations.csv`` where they lie beside it."""


@reads(FindingsFileError)
def load_truth(path: Path | str, image: Image) -> Truth:
    """Read what is true of an image; lines and entries that are wrong are left out, and `Truth.problems` names them.

    Parameters
    ----------
    path
        LIDC's XML (of a CT or a radiograph), DICOM SEG or SR (TID 1500), a label volume, LUNA16's ``annotations.csv`` (with its
        excluded findings where they lie beside it), ``*.lungmtl.json``, ``findings.csv``, COCO, NODE21, NIH's boxes, JSRT's table,
        ChestX-Det10's json or DeepLesion's ``DL_info.csv``. Texts may be gzipped.
    image
        The image that is open.

    Raises
    ------
    FindingsFileError
        The file as a whole is none of these, or says nothing about this image.
    """
    truth, problems = read_leniently(lambda: _read(Path(path), image))
    return replace(truth, problems=(*truth.problems, *problems), source=str(path))


def _read(path: Path, image: Image) -> Truth:
    if path.is_file() and is_part10(path):
        return _dicom(path, image)
    form = format_of(path) if path.is_file() else None
    if form is not None and not form.flat:
        return label_truth(path, image)
    text = read_text(path).lstrip()
    reference = ImageReference.of(image)
    if text.startswith("<"):
        return lidc_truth(path, image)
    return _of_text(path, text, reference)


@reads(FindingsFileError)
def load_truth_of(path: Path | str, image: ImageReference) -> Truth:
    """Read what is true of an image that is not open, as `load_truth` does, from the formats that need no voxels.

    Raises
    ------
    FindingsFileError
        The file is another (LIDC's XML, DICOM and label volumes need the image), or says nothing about this image.
    """
    path = Path(path)
    text = read_text(path).lstrip()
    truth, problems = read_leniently(lambda: _of_text(path, text, image))
    return replace(truth, problems=(*truth.problems, *problems), source=str(path))


def _of_text(path: Path, text: str, reference: ImageReference) -> Truth:
    if text.startswith("["):
        return Truth(_chestxdet10(path, text, reference))
    header = plain_name(next(iter(text.splitlines()), ""))
    if "keysliceindex" in header:
        return Truth(_deeplesion(path, reference))
    truth = Truth(read_truth(path, reference))
    if text.startswith("{"):
        return _without_rejected(path, truth, reference)
    if "seriesuid" in header or "seriesinstanceuid" in header:
        return _of_series(path, truth, reference)
    return truth


def _dicom(path: Path, image: Image) -> Truth:
    header = read_header(path)
    modality = header.code("Modality") if header is not None else ""
    if modality not in ("SEG", "SR"):
        raise FindingsFileError(
            f"{path} is DICOM of the modality {modality or 'unknown'}, and neither a SEG nor an SR: choose {KNOWN}"
        )
    if modality == "SEG":  # highdicom takes half a second to load
        from ..dicom.seg import seg_truth

        return seg_truth(path, image)
    from ..dicom.sr import sr_truth

    return sr_truth(path, image)


def _without_rejected(path: Path, truth: Truth, image: ImageReference) -> Truth:
    """Findings of a person as truth: what was rejected counts neither way, and that it was read is certain."""
    problems = other_image_words(path, truth.nodules.image, image)
    return _reviewed(path, truth.nodules.items, image, problems)


def _reviewed(
    path: Path, items: Iterable[Finding], image: ImageReference, problems: tuple[str, ...] = ()
) -> Truth:
    """Split the findings of a review: rejected ones count neither way, and a network's that nobody reviewed are no nodules."""
    items = tuple(items)
    rejected = tuple(f for f in items if f.status == "rejected")
    unreviewed = tuple(f for f in items if f.status != "rejected" and not is_true(f))
    if unreviewed:
        problems += (
            f"{path}: {len(unreviewed)} findings of networks were reviewed by nobody and are no nodules of the truth: "
            "accept those that are.",
        )
    nodules = tuple(f for f in items if is_true(f))
    return Truth(Findings(nodules, image), rejected, unreviewed=unreviewed, problems=problems)


def _of_series(path: Path, truth: Truth, image: ImageReference) -> Truth:
    silent = not len(truth.nodules)
    truth = _reviewed(path, truth.nodules, image)
    problems = truth.problems
    if silent:
        problems = (
            f"{path} has no line of {image_name(image)} ({image.series_uid}): it shows no nodule, or bears another name.",
        )
    beside = next((path.with_name(name) for name in EXCLUDED if path.with_name(name).is_file()), None)
    if beside is None or beside == path:
        return replace(truth, problems=problems)
    other = luna16.read_annotations(beside)
    spots = other.get(own_name(other, image, beside) or "")
    if spots is None:
        return replace(truth, problems=problems)
    excluded = (
        Finding(
            Sphere((z, y, x), d if d > 0 else 10.0), provenance=TRUTH, status="accepted", id=f"excluded{i}"
        )
        for i, ((z, y, x), d) in enumerate(zip(spots.center, spots.value, strict=True))
    )
    return replace(truth, excluded=tuple(excluded), problems=problems)


def _chestxdet10(path: Path, text: str, image: ImageReference) -> Findings:
    if not chestxdet10.is_chestxdet10(json.loads(text)):
        raise FindingsFileError(f"{path} is a list of something else than true nodules: choose {KNOWN}")
    pictures = chestxdet10.read_pictures(path)
    name = own_name((picture.name for picture in pictures), image, path)
    own = [picture for picture in pictures if picture.name == name]
    if not own:
        raise FindingsFileError(
            f"{path} says nothing about {image_name(image)}: it lists {len(pictures)} pictures; rename the image as the file has it"
        )
    height, width = image.shape[-2:]
    side = chestxdet10.SIDE
    return truth_of((box.scaled(width / side, height / side) for p in own for box in p.boxes), image, path)


def _deeplesion(path: Path, image: ImageReference) -> Findings:
    """Boxes on a key slice that is open as a picture; spheres where the series is open as a volume."""
    lesions = list(read_lesions(path))
    if len(image.shape) == 2:
        source = Path(image.source)
        names = {source.name, f"{source.parent.name}_{source.name}"}
        own = [lesion for lesion in lesions if lesion.file in names]
        items = tuple(
            Finding(_box(a, image), provenance=TRUTH, status="accepted", id=f"truth{i}")
            for i, a in enumerate(own)
        )
    else:
        own = [lesion for lesion in lesions if lesion.series == image.series_uid]
        items = tuple(
            Finding(
                Sphere(tuple(a.sphere[:3]), a.sphere[3]), provenance=TRUTH, status="accepted", id=f"truth{i}"
            )
            for i, a in enumerate(own)
        )
    if not own:
        raise FindingsFileError(
            f"{path} says nothing about {image_name(image)}: it lists {len(lesions)} lesions; name the picture as it has them"
        )
    return Findings(items, image)


def _box(lesion: Lesion, image: ImageReference) -> Box:
    x0, y0, x1, y1 = lesion.box
    (sy, sx), (oy, ox) = (image.spacing or (1.0, 1.0)), image.origin
    return Box((y0 * sy + oy, x0 * sx + ox), (y1 * sy + oy, x1 * sx + ox))
