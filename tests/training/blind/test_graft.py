"""Grafting into a CT."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.blind.at_hand import bank_at_hand
from napari_lungmtl.training.blind.bank import of_kind
from napari_lungmtl.training.blind.graft import graft, turned
from napari_lungmtl.training.imaging.image import Image

LUNG = -850


def lung(spacing=(1.0, 1.0, 1.0), noise: float = 0.0, kind=np.int16) -> Image:
    shape = tuple(int(60 / s) for s in spacing)
    voxels = LUNG + noise * np.random.default_rng(0).standard_normal(shape)
    return Image(np.round(voxels).astype(kind), "CT", spacing, (-100.0, 5.0, 30.0))


MIDDLE = np.array([-70.0, 35.0, 60.0])


@given(
    which=st.integers(0, 53),
    spacing=st.tuples(*[st.sampled_from([0.7, 1.0, 1.25, 2.5])] * 2),
    offset=st.floats(-3, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=15, deadline=None)
def test_nothing_changes_without_strength_and_only_the_part_with_it(which, spacing, offset, seed):
    image = lung((spacing[0], spacing[1], spacing[1]), noise=20)
    nodule = turned(bank_at_hand().nodules[which], np.random.default_rng(seed))
    before = image.voxels.copy()
    none = graft(image, nodule, MIDDLE + offset, np.random.default_rng(seed), strength=0)
    assert none.image is image
    full = graft(image, nodule, MIDDLE + offset, np.random.default_rng(seed))
    assert np.array_equal(image.voxels, before), "what was given stays"
    changed = full.image.voxels != before
    changed[full.part] = False
    assert not changed.any()
    assert np.all(np.abs(full.center - (MIDDLE + offset)) <= 0.5 * np.array(image.scale) + 1e-6)


@pytest.mark.parametrize("slice_mm", [1.0, 2.5])
def test_a_solid_nodule_lies_where_it_is_said_and_is_as_dense_as_it_was(slice_mm):
    nodule = max(of_kind(bank_at_hand().nodules, "10–20 mm", "solid"), key=lambda n: n.mask.sum())
    image = lung((slice_mm, 0.8, 0.8))
    done = graft(image, nodule, MIDDLE, np.random.default_rng(0))
    added = np.clip(done.image.voxels.astype(float) - LUNG, 0, None)
    centroid = image.to_world(
        [
            (added.sum(tuple(b for b in range(3) if b != a)) @ np.arange(n)) / added.sum()
            for a, n in enumerate(added.shape)
        ]
    )
    own = np.clip(nodule.filled, 0, None) * (nodule.filled > 0.2)
    assert np.linalg.norm(centroid - done.center) < 2.0
    mass = added.sum() * np.prod(image.scale) / (40 - LUNG)
    assert mass == pytest.approx(own.sum(), rel=0.15), "mm³ of tissue"
    core = done.image.voxels[tuple(np.round(image.to_index(done.center)).astype(int))]
    assert abs(core - 8.0 * nodule.voxels[tuple(np.round(nodule.center).astype(int))] + 1024) < 120


def test_lung_stays_behind_and_noise_is_made_up():
    nodule = of_kind(bank_at_hand().nodules, "10–20 mm", "solid")[0]
    dark = graft(lung(), nodule, MIDDLE, np.random.default_rng(0)).image.voxels
    corner = dark[
        tuple(
            slice(p.start, p.start + 1) for p in graft(lung(), nodule, MIDDLE, np.random.default_rng(0)).part
        )
    ]
    assert abs(int(corner.item()) - LUNG) <= 8, "the donor's surroundings do not come along"
    noisy = lung(noise=60)
    done = graft(noisy, nodule, MIDDLE, np.random.default_rng(0))
    inside = nodule.filled > 0.9
    low = np.round(noisy.to_index(done.center) - nodule.center).astype(int)
    part = tuple(slice(a, a + n) for a, n in zip(low, nodule.mask.shape, strict=True))
    plain = graft(lung(), nodule, MIDDLE, np.random.default_rng(0)).image.voxels[part][inside]
    assert done.image.voxels[part][inside].std() > plain.std(), "as noisy as the scan around it"


def test_at_the_edge_only_what_fits_is_put_in():
    nodule = bank_at_hand().nodules[0]
    image = lung()
    done = graft(image, nodule, np.array(image.origin), np.random.default_rng(0))
    assert done.image.shape == image.shape
    far = graft(image, nodule, np.array(image.origin) - 100, np.random.default_rng(0))
    assert np.array_equal(far.image.voxels, image.voxels)
