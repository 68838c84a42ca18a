"""Whether saved findings belong to the image at hand: a name that two patients share does not tell."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ....storage.address import is_remote
from ...finding import ImageReference
from .image_names import folders_alike, is_named, named_by_file

_MM = 0.01


def is_another(written: ImageReference, image: ImageReference) -> bool:
    """Tell whether findings were written for another image, as far as that is known.

    A DICOM series is the one of its identifier. An image that is called as its file may be any of that name: it is another where
    its lattice is, or where the file that was named still lies elsewhere and holds something else.

    Parameters
    ----------
    written
        The image that the findings name.
    image
        The one at hand.
    """
    if written.series_uid and image.series_uid and not is_named(written.series_uid, image):
        return True
    if not (named_by_file(written) and named_by_file(image)):
        return False
    return _other_lattice(written, image) or _other_file(written.source, image.source)


def other_image_words(path: Path | str, written: ImageReference, image: ImageReference) -> tuple[str, ...]:
    """Say that findings seem to be another image's: at most one sentence."""
    if not is_another(written, image):
        moved = named_by_file(written) and named_by_file(image) and folders_alike(written, image) < 2
        if not moved:
            return ()
        return (
            f"{path} was written for {written.source}, and this is {image.source}: look whether they are the same.",
        )
    theirs, ours = written.series_uid, image.series_uid
    if theirs == ours:
        theirs, ours = written.source, image.source
    return (f"{path} was written for another image ({theirs}; this is {ours}).",)


def _other_lattice(written: ImageReference, image: ImageReference) -> bool:
    if written.shape and image.shape and tuple(written.shape) != tuple(image.shape):
        return True
    pairs = [(written.origin, image.origin)] if written.units == image.units else []
    if written.spacing is not None and image.spacing is not None:
        pairs.append((written.spacing, image.spacing))
    return any(_differ(a, b) for a, b in pairs)


def _differ(a: Sequence[float], b: Sequence[float]) -> bool:
    return bool(a) and len(a) == len(b) and not np.allclose(a, b, rtol=0, atol=_MM)


def _other_file(written: str, image: str) -> bool:
    """Whether both files are there and differ: a copy is the same image."""
    if is_remote(written) or is_remote(image):
        return False
    one, other = Path(written), Path(image)
    try:
        return one.is_file() and other.is_file() and not filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
