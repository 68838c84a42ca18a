"""Radiographs in volume formats (MHA, MHD, NIfTI, NRRD), as NODE21 publishes its radiographs: one flat picture.

Source: NODE21, doi 10.5281/zenodo.4725881: ``.mha``, 1024 × 1024, of four public collections whose pixel sizes are not all
known.
"""

from __future__ import annotations

from dataclasses import replace

from ..image import Image
from ..radiograph.pixel_size import believable

_HOUNSFIELD = -200
"""A single slice with values below this is CT; radiographs have no negative values to speak of."""


def flattened(image: Image) -> Image:
    """Make a flat radiograph of an image with one slice; leave any other image as it is.

    A volume of one axial slice without CT's negative values becomes flat, (h, w). Of a flat image a spacing of exactly 1 mm is
    what programs write that know none: it counts as unknown, with a warning, as does one that no detector can have.

    Parameters
    ----------
    image
        As `itk.read_volume` returns it.
    """
    if image.ndim == 3:
        if image.shape[0] != 1 or image.voxels.min() < _HOUNSFIELD:
            return image
        spacing = None if image.spacing is None else image.spacing[1:]
        image = replace(image, voxels=image.voxels[0], spacing=spacing, origin=image.origin[1:])
    if image.spacing is None or spacing_is_known(image.spacing, image.shape):
        return image
    name = image.source.name if image.source else image.series_uid
    stated = " × ".join(f"{s:.4g}" for s in image.spacing)
    said = f"{name} states a pixel size of {stated} mm, which is no pixel size of a chest radiograph: lengths are in pixels."
    return replace(image, spacing=None, origin=(), warnings=(*image.warnings, said))


def spacing_is_known(spacing: tuple[float, ...], shape: tuple[int, ...]) -> bool:
    """Tell whether the spacing (mm) of a flat image is more than a placeholder."""
    return any(length != 1 for length in spacing) and believable(spacing, shape)
