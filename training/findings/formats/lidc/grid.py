"""Where the pixels that LIDC's readers counted lie in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ....imaging.image import Image
from ..errors import FindingsFileError
from .nodules import Grid
from .readings import Outline

TAGS = ("SeriesInstanceUID", "PatientID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")


def stored_grid(path: Path, header: Mapping[str, object], image: Image) -> Grid:
    """Make the grid of a series as it is stored, which is how the readers counted its pixels.

    Parameters
    ----------
    path
        Folder of its slices, for messages.
    header
        `TAGS` of one of them.
    image
        The series as it was read.

    Raises
    ------
    FindingsFileError
        The header does not say where the pixels lie.
    """
    try:
        position, orientation, spacing = (np.array(header[tag], float) for tag in TAGS[2:])
        row, column = orientation.reshape(2, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise FindingsFileError(
            f"{path} does not say where its pixels lie: get the series again from the archive."
        ) from error
    to_world = np.stack([row * spacing[1], column * spacing[0], position])[:, ::-1]
    return _grid(to_world, image)


def grid_of(image: Image) -> Grid:
    """Make the grid of an image: as one of its slices says, or where there is none (NIfTI, MetaImage), its own.

    Raises
    ------
    FindingsFileError
        A slice does not say where its pixels lie.
    """
    if image.source is not None and image.is_dicom:
        header = _header(Path(image.source), image.series_uid.partition("#")[0])
        if header is not None:
            return stored_grid(Path(image.source), header, image)
    (_, sy, sx), origin = image.scale, image.origin
    return _grid(np.array([(0.0, 0.0, sx), (0.0, sy, 0.0), origin]), image)


def _grid(to_world: np.ndarray, image: Image) -> Grid:
    instances = image.metadata.get("sop_instance_uids", ())
    uids = [str(uid) for uid in instances] if isinstance(instances, tuple | list) else []
    # The frames of one file share its uid, which tells none from the others.
    places = {uid: i for i, uid in enumerate(uids)} if len(set(uids)) == len(uids) else {}
    step = image.scale[0]

    def z_of(outline: Outline) -> float:
        if outline.sop_uid in places:
            return float(image.origin[0] + places[outline.sop_uid] * step)
        return outline.z

    return Grid(to_world, z_of, step)


def _header(source: Path, series: str) -> dict[str, object] | None:
    """The tags of one slice of a series."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
    for file in files:
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(TAGS))
        except (InvalidDicomError, OSError):
            continue
        if (
            str(header.get("SeriesInstanceUID", "")) == series
            and header.get("ImageOrientationPatient") is not None
        ):
            return {tag: header.get(tag) for tag in TAGS}
    return None
