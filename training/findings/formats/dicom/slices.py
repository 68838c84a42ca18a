"""Where the slices of an open CT lie, on whose pixels reports and presentation states draw.

A volume is made straight and regular when it is opened: its planes need not be the slices any more. What was drawn on a slice lies
where that slice's own header says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....imaging.dicom.stacks.stack import Stack
from ....imaging.errors import ImageError
from ....imaging.image import Image
from ....imaging.scan import scan
from .writing.source import Plane, plane_of, shown_in_its_own_plane


@dataclass(frozen=True, eq=False)
class Slices:
    """The slices of a CT in its world.

    Parameters
    ----------
    planes
        By instance and number of the frame (from 1; of a file that is one slice, 1).
    why_none
        The reason, as a part of a sentence, where there are no planes.
    """

    planes: Mapping[tuple[str, int], Plane]
    why_none: str = ""

    def drawn_on(self, uid: str, frames: tuple[int, ...]) -> list[Plane]:
        """Find the slices that a reference names.

        Parameters
        ----------
        uid
            Of the instance.
        frames
            Numbers of its frames; none where the reference means the whole instance.

        Raises
        ------
        ValueError
            None of them is a slice of this CT, or it is not said which one is meant.
        """
        if self.why_none:
            raise ValueError(self.why_none)
        there = {frame: plane for (instance, frame), plane in self.planes.items() if instance == uid}
        if not there:
            raise ValueError(f"it was drawn on a slice that is not open ({uid})")
        if not frames and len(there) > 1:
            raise ValueError(f"it does not say on which of the {len(there)} frames of {uid} it was drawn")
        named = [there[frame] for frame in frames or there if frame in there]
        if not named:
            numbers = ", ".join(map(str, frames))
            raise ValueError(f"it was drawn on frame {numbers} of {uid}, which is no slice of this CT")
        return named


def slices_of_image(image: Image) -> Slices:
    """Find where the slices of a CT lie; its source is looked at again."""
    if image.source is None or not image.is_dicom:
        where = image.source or "this image"
        return Slices(
            {},
            why_none=f"it was drawn on the pixels of a DICOM series, and {where} is none: open that series",
        )
    try:
        stacks = {stack.uid: stack for stack in scan(Path(image.source)).stacks}
    except ImageError as error:
        return Slices({}, why_none=f"the slice that it was drawn on cannot be looked up: {error}")
    stack = stacks.get(image.series_uid)
    if stack is None:
        return Slices({}, why_none=f"{image.source} does not hold the series {image.series_uid} any more")
    if image.spacing is None:
        return _counted(stack, image)
    if shown_in_its_own_plane(image.shape, stack):
        return Slices(
            {},
            why_none="it was drawn on one of a few oblique slices, which are shown in their own plane: "
            "its place in the patient is not on this image",
        )
    return _placed({(s.header.code("SOPInstanceUID"), s.frame + 1): plane_of(s) for s in stack.slices})


def _placed(planes: Mapping[tuple[str, int], Plane | None]) -> Slices:
    known = {key: plane for key, plane in planes.items() if plane is not None}
    if not known:
        return Slices({}, why_none="the slices do not say where in the patient their pixels lie")
    return Slices(known)


def _counted(stack: Stack, image: Image) -> Slices:
    """Slices without a place in the patient, in the order in which they are shown: lengths are in pixels."""
    if len(stack.slices) != image.shape[0]:
        return Slices({}, why_none="the slices do not say where they lie, and some of them could not be read")
    right, down = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    return _placed(
        {
            (s.header.code("SOPInstanceUID"), s.frame + 1): Plane(
                np.array([0.0, 0.0, k]), right, down, (1.0, 1.0), s.shape
            )
            for k, s in enumerate(stack.slices)
        }
    )
