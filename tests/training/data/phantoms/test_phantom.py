"""Phantoms: what they promise about truth, tissue, repeatability and place."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_lungmtl.training.data.phantoms import (
    NoduleSpec,
    Phantom,
    PhantomSpec,
    PlacementError,
    Scanner,
    make_phantom,
)
from napari_lungmtl.training.data.phantoms.nodules import _sphere_points, draw_shape
from napari_lungmtl.training.data.phantoms.trees import grow
from napari_lungmtl.training.findings.finding import ATTRIBUTES

NODULES = (
    NoduleSpec(16),
    NoduleSpec(9),
    NoduleSpec(6, calcification="solid"),
    NoduleSpec(13, texture="ground-glass"),
    NoduleSpec(15, texture="part-solid"),
    NoduleSpec(12, place="juxtapleural", lobulation=3),
    NoduleSpec(7, place="juxtavascular"),
    NoduleSpec(18, spiculation=5, sphericity=3, margin=3),
)
QUIET = Scanner(noise=5, sharpness=1)


@cache
def phantom() -> Phantom:
    return make_phantom(PhantomSpec(7, NODULES, z_range=(-40, 20), field_of_view=(190, 280), scanner=QUIET))


def small(seed: int = 7, **changes) -> PhantomSpec:
    spec = PhantomSpec(
        seed, (NoduleSpec(8), NoduleSpec(11, place="juxtapleural")), (2.0, 2.0, 2.0), (-20, 20)
    )
    return replace(spec, **{"field_of_view": (200, 280)} | changes)


made = cache(make_phantom)
"""For comparisons in which one side is always the same."""


def middle(p: Phantom, number: int) -> tuple[int, ...]:
    return tuple(np.rint(p.image.to_index(p.truth[number].center)).astype(int))


@pytest.mark.parametrize("number", range(len(NODULES)))
def test_sphere_and_mask_agree_in_world_coordinates(number):
    p, spec = phantom(), NODULES[number]
    mask = p.nodule_mask(number)
    centroid = p.image.to_world(np.argwhere(mask).mean(axis=0))
    assert np.linalg.norm(centroid - p.truth[number].center) < 0.5
    diameter = (6 * mask.sum() * np.prod(p.image.scale) / np.pi) ** (1 / 3)
    assert diameter == pytest.approx(p.truth[number].diameter, rel=0.1)
    assert p.truth[number].diameter == pytest.approx(spec.diameter, rel=0.03)


def test_the_origin_is_neither_zero_nor_on_a_round_number():
    assert min(abs(o) for o in phantom().image.origin) > 1
    assert all(abs(o - round(o)) > 1e-6 for o in phantom().image.origin)


def test_attributes_are_complete_and_on_the_lidc_scales():
    for finding, spec in zip(phantom().truth, NODULES, strict=True):
        assert set(finding.attributes) == set(ATTRIBUTES)
        assert all(1 <= v <= 6 for v in finding.attributes.values())
        assert finding.attributes["spiculation"] == spec.spiculation
        assert finding.attributes["texture"] == {"solid": 5, "part-solid": 3, "ground-glass": 1}[spec.texture]
    assert phantom().truth[2].attributes["calcification"] == 3
    assert phantom().truth[0].attributes["calcification"] == 6


def test_hounsfield_units_of_tissues_and_nodules():
    p = phantom()
    hu = p.image.voxels
    free = p.lung_mask & (p.tubes == 0) & (p.labels == 0)
    assert -920 < np.median(hu[ndimage.binary_erosion(free, iterations=2)]) < -780
    vessels = ndimage.binary_erosion(p.tubes > 0.9)  # no airway wall is that thick
    assert np.median(hu[vessels]) > -50
    assert -50 < hu[middle(p, 0)] < 120
    assert hu[middle(p, 2)] > 250
    assert -780 < hu[middle(p, 3)] < -400
    # Part-solid: a solid middle in ground glass.
    core = hu[middle(p, 4)]
    shell = np.median(hu[p.nodule_mask(4) & ~ndimage.binary_erosion(p.nodule_mask(4), iterations=2)])
    assert core > shell + 300


def test_places_are_what_was_asked_for():
    p = phantom()
    wall = ndimage.binary_dilation(~p.lung_mask)
    assert (p.nodule_mask(5) & wall).any()
    assert not (p.nodule_mask(0) & wall).any()
    beside = ndimage.binary_dilation(p.nodule_mask(6), iterations=2)
    assert p.tubes[beside].max() > 0.8
    assert p.labels[~p.lung_mask].max() == 0


def test_a_slice_shows_dozens_of_vessels():
    p = phantom()
    for z in (10, 30, 50):
        assert ndimage.label((p.tubes[z] > 0.3) & (p.image.voxels[z] > -500))[1] > 40


def test_equal_specs_give_equal_bits_and_other_seeds_other_patients():
    a, b, other = made(small()), make_phantom(small()), make_phantom(small(8))
    assert np.array_equal(a.image.voxels, b.image.voxels)
    assert a.truth == b.truth
    assert a.image.origin == b.image.origin
    assert other.image.series_uid != a.image.series_uid
    assert not np.allclose(other.truth[0].center, a.truth[0].center)


@pytest.mark.parametrize(
    "changes",
    [
        {"spacing": (2.5, 1.25, 1.25)},
        {"spacing": (1.0, 2.0, 2.0), "scanner": Scanner(noise=60, sharpness=0)},
        {"contrast": True},
    ],
)
def test_truth_does_not_depend_on_spacing_scanner_or_contrast(changes):
    a, b = made(small()), make_phantom(small(**changes))
    for one, two in zip(a.truth, b.truth, strict=True):
        assert np.allclose(one.center, two.center, atol=1e-6)
        assert one.diameter == pytest.approx(two.diameter)
    assert a.image.extent[0] == pytest.approx(b.image.extent[0], abs=1.3)


def test_a_nodule_can_be_put_at_a_given_place():
    spec = small(nodules=(NoduleSpec(10, center=(3.0, -20.0, 85.0)),))
    a = make_phantom(spec)
    b = make_phantom(replace(spec, nodules=(NoduleSpec(10, center=(3.0, -14.0, 88.0)),)))
    moved = np.subtract(b.truth[0].center, a.truth[0].center)
    assert moved == pytest.approx([0, 6, 3], abs=0.3)


def test_noise_has_the_requested_strength_in_soft_tissue():
    quiet, loud = (
        make_phantom(small(scanner=Scanner(noise=n, bed_table=False), field_of_view=None)) for n in (2, 50)
    )
    assert np.median(quiet.image.voxels[:, :3]) == pytest.approx(-1000, abs=5)
    difference = (loud.image.voxels.astype(int) - quiet.image.voxels)[2:-2]
    soft = (np.abs(quiet.image.voxels[2:-2] - 45) < 60) & ~quiet.lung_mask[2:-2]
    assert difference[soft].std() == pytest.approx(50, rel=0.2)


def test_says_when_a_nodule_does_not_fit():
    with pytest.raises(PlacementError, match=r"40 mm.*z_range"):
        make_phantom(small(nodules=(NoduleSpec(40),), z_range=(-5.0, 5.0)))
    with pytest.raises(PlacementError, match="outside the lungs"):
        make_phantom(small(nodules=(NoduleSpec(6, center=(0.0, 60.0, 0.0)),)))


@pytest.mark.parametrize(
    "bad", [{"diameter": 0.5}, {"diameter": 8, "margin": 0}, {"diameter": 8, "spiculation": 6}]
)
def test_impossible_nodules_are_refused(bad):
    with pytest.raises(ValueError, match=r"mm|scale"):
        NoduleSpec(**bad)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(3, 40),
    st.floats(1, 5),
    st.floats(1, 5),
    st.floats(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_every_shape_has_the_volume_of_its_ball(diameter, lobulation, spiculation, sphericity, seed):
    spec = NoduleSpec(diameter, lobulation=lobulation, spiculation=spiculation, sphericity=sphericity)
    shape = draw_shape(spec, np.random.default_rng(seed))
    radius = shape.radius(_sphere_points(4000))
    assert radius.min() > 0
    assert 2 * np.mean(radius**3) ** (1 / 3) == pytest.approx(diameter, rel=0.02)


def test_attributes_shape_the_outline():
    rng = np.random.default_rng
    points = _sphere_points(2000)

    def unevenness(**kind) -> float:
        return float(
            np.mean([np.std(draw_shape(NoduleSpec(10, **kind), rng(s)).radius(points)) for s in range(8)])
        )

    assert unevenness() < 1e-6
    assert unevenness(lobulation=5) > 2 * unevenness(lobulation=2) > 0
    assert unevenness(sphericity=2) > 2 * unevenness(sphericity=4) > 0
    assert not len(draw_shape(NoduleSpec(10), rng(0)).spikes)
    assert len(draw_shape(NoduleSpec(10, spiculation=5), rng(0)).spikes) >= 14


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_a_tree_reaches_every_end_and_tapers(count, seed):
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-40, 40, (count, 3))
    root = np.array([0.0, 0.0, -60.0])
    tree = grow(root, np.array([0.0, 0.0, 1.0]), ends, 5.0, rng)
    distance = np.linalg.norm(ends[:, None] - tree.points[None], axis=2).min(axis=1)
    assert distance.max() < 1e-6
    assert tree.radii.max() <= 5.0
    assert tree.radii.min() > 0
    assert tree.fraction.max() == 1
    if count > 20:
        assert np.median(tree.radii[tree.fraction < 0.1]) < 0.6 * tree.radii[tree.fraction == 1].mean()
