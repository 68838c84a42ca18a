"""Varied backgrounds keep what is known of them."""

import numpy as np
import pytest

from napari_lungmtl.training.data.simulation.radiographs import SimulatedRadiographs
from napari_lungmtl.training.data.simulation.vary import Variation, vary
from napari_lungmtl.training.ops.masks import dice

from ....stand_ins.prepared_stores import lungs, radiograph, store

STILL = Variation(0, 0, 0, 0, 0, 0, 0, 0)
OTHER = (radiograph(3, 3), lungs(3))


def test_without_variation_nothing_changes():
    same, sides, zoom = vary(radiograph(), lungs(), OTHER, np.random.default_rng(0), STILL)
    np.testing.assert_allclose(same, radiograph(), atol=1e-3)
    assert dice(sides, lungs()) > 0.99
    assert zoom == 1


def test_lungs_go_with_the_radiograph():
    """Lungs are dark before and after, whatever was done to the radiograph; the patient's right stays on the left."""
    for seed in range(12):
        varied, sides, zoom = vary(radiograph(), lungs(), OTHER, np.random.default_rng(seed))
        both = sides.any(0)
        assert varied[both].mean() + 0.2 < varied[100:400, 240:270].mean()
        columns = [np.nonzero(side)[1].mean() for side in sides]
        assert columns[0] < columns[1]
        # Areas grow with the square of the zoom; bending adds a little.
        assert both.sum() / lungs().any(0).sum() == pytest.approx(zoom**2, rel=0.25)


def test_another_radiograph_shines_through_where_its_lungs_fit():
    through = Variation(0, 0, 0, 0, 0, 0, 0, blend=1, most=0.5)
    bright = (np.ones_like(radiograph()), lungs(12))
    varied, _, _ = vary(radiograph(), lungs(), bright, np.random.default_rng(2), through)
    share = (varied - radiograph()) / (1 - radiograph())
    assert share.std() < 0.02
    assert 0.1 <= share.mean() <= 0.5
    dark_lungs = (np.where(lungs(12).any(0), 0.0, 1.0).astype(np.float32), lungs(12))
    varied, _, _ = vary(np.ones_like(radiograph()), lungs(), dark_lungs, np.random.default_rng(2), through)
    assert dice(varied < 0.99, lungs().any(0)) > 0.97, "the other radiograph's lungs were laid onto these"


def test_only_training_varies(tmp_path):
    store().save(tmp_path)
    assert SimulatedRadiographs(tmp_path).varied
    assert not SimulatedRadiographs(tmp_path, ("0",)).varied
