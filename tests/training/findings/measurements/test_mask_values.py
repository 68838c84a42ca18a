"""Measurements of masks against balls and ellipsoids whose volume and axes are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Mask
from napari_lungmtl.training.findings.measurements.mask_values import mask_values
from napari_lungmtl.training.imaging.image import Image

SHAPE = (40, 60, 60)


def ellipsoid(semi, spacing, shift=(0.0, 0.0, 0.0)):
    """An image of −800 HU with an ellipsoid of 40 HU (half-axes z, y, x in mm) in its middle, and its mask."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), -1) * spacing
    middle = (np.array(SHAPE) - 1) / 2 * spacing + shift
    held = (((grid - middle) / semi) ** 2).sum(-1) <= 1
    image = Image(np.where(held, 40, -800).astype(np.int16), "CT", spacing, (-100.0, 7.0, 3.0))
    index = np.argwhere(held)
    return image, Mask.from_voxels(index, spacing, image.origin)


@settings(max_examples=20, deadline=None)
@given(
    semi=st.tuples(*[st.floats(4, 10)] * 3),
    spacing=st.tuples(st.floats(0.6, 1.5), st.floats(0.5, 0.9), st.floats(0.5, 0.9)),
    shift=st.tuples(*[st.floats(-0.4, 0.4)] * 3),
)
def test_ellipsoids_on_anisotropic_voxels(semi, spacing, shift):
    """Volume within what the voxels at its surface may hold; the axes in the plane within two voxels."""
    image, mask = ellipsoid(semi, spacing, shift)
    values = mask_values(mask, image)
    assert values.volume == pytest.approx(4 / 3 * np.pi * np.prod(semi), rel=0.1)
    # An ellipse that is nearly round has its long axis anywhere.
    assert values.long == pytest.approx(2 * max(semi[1:]), abs=2 * max(spacing[1:]))
    assert values.short == pytest.approx(2 * min(semi[1:]), abs=2 * max(spacing[1:]))
    assert values.short <= values.long
    assert (values.mean, values.std, values.solid) == (40, 0, 1)


def test_solid_part_and_place():
    """Half of a ball is ground glass: half of it is solid; the axes lie in the world, on the slice through its middle."""
    image, mask = ellipsoid((8.0, 8.0, 8.0), (1.0, 0.7, 0.7))
    voxels = image.voxels.copy()
    left = voxels[:, :, :30]
    left[left > 0] = -600
    values = mask_values(mask, Image(voxels, "CT", image.spacing, image.origin))
    assert values.solid == pytest.approx(0.5, abs=0.01)
    assert values.diameter == pytest.approx(16, rel=0.03)
    assert abs(values.position - mask.center[0]) <= 0.5
    assert values.axes.long.mean(0) == pytest.approx(mask.center[1:], abs=1.0)


def test_what_cannot_be_measured():
    image, mask = ellipsoid((4.0, 4.0, 4.0), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="voxels of the CT"):
        mask_values(mask, Image(image.voxels, "CT", (2.0, 1.0, 1.0), image.origin))
    with pytest.raises(ValueError, match="holds a voxel"):
        mask_values(Mask.from_array(np.zeros((2, 2, 2), bool), (1.0,) * 3, image.origin), image)
