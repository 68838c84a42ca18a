"""Projected phantoms: lung fields as radiologists outline them, nodules where they are."""

import numpy as np
import pytest
from scipy import ndimage

from napari_lungmtl.training.data.simulation.phantom_radiograph import draw_spec, make_phantom_radiograph

COARSE = (2.2, 2.2, 2.2)
"""The largest voxels that are not made of smaller ones: coarser phantoms take longer."""
LARGE = next(s for s in range(40) if any(n.diameter > 18 for n in draw_spec(s).nodules))
"""The first seed with a large nodule."""


@pytest.fixture(scope="module")
def radiographs():
    return {seed: make_phantom_radiograph(seed, 256, COARSE) for seed in (LARGE,)}


def test_two_lungs_darker_than_what_lies_between(radiographs):
    for made in radiographs.values():
        right, left = made.lungs
        assert not (right & left).any()
        columns = [np.nonzero(side)[1].mean() for side in (right, left)]
        assert columns[0] < 128 < columns[1], "the patient's right is on the left of a frontal radiograph"
        pixels = made.radiograph.pixels
        assert pixels.min() >= 0
        assert pixels.max() <= 1
        assert np.isfinite(pixels).all()
        heart = ~made.lungs.any(0)
        heart[:, : int(columns[0])] = heart[:, int(columns[1]) :] = False
        heart[:100] = heart[200:] = False
        assert np.median(pixels[made.lungs.any(0)]) < np.median(pixels[heart]) - 0.1
        share = made.lungs.any(0).sum() / made.radiograph.inside.sum()
        assert 0.15 < share < 0.5
        for side in made.lungs:
            assert ndimage.label(side)[1] <= 3


def test_nodules_are_where_the_radiograph_is_denser(radiographs):
    made = radiographs[LARGE]
    assert made.nodules.max() == len(made.diameters_mm) > 0
    for label, diameter in enumerate(made.diameters_mm, 1):
        mask = made.nodules == label
        if mask.any():
            area = mask.sum() * made.mm**2
            assert 2 * (area / np.pi) ** 0.5 == pytest.approx(diameter, rel=0.35)


def test_equal_seeds_give_equal_radiographs(radiographs):
    again = make_phantom_radiograph(LARGE, 256, COARSE)
    np.testing.assert_array_equal(again.radiograph.pixels, radiographs[LARGE].radiograph.pixels)
