"""Nodules grown from a click and from a stroke: spheres of known place and size, and what must not be grown."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.errors import LungmtlError
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.segmentation.grow import LeakError, grow

ORIGIN = (-210.0, 12.0, -45.0)


def lung(spacing, shape_mm=(80, 80, 80), tissue=lambda z, y, x: z > np.inf) -> Image:
    """Air at −850 HU with soft tissue at 40 HU where `tissue`, a signed depth in mm, is positive; edges are partial volumes."""
    shape = [round(a / s) for a, s in zip(shape_mm, spacing, strict=True)]
    z, y, x = np.meshgrid(
        *(np.arange(n) * s + o for n, s, o in zip(shape, spacing, ORIGIN, strict=True)),
        indexing="ij",
        sparse=True,
    )
    part = np.clip(tissue(z, y, x) / max(spacing) + 0.5, 0, 1)
    noise = np.random.default_rng(0).normal(0, 25, shape)
    return Image((-850 + 890 * part + noise).astype(np.int16), "CT", spacing, ORIGIN)


def ball(center, radius):
    return lambda z, y, x: (
        radius - np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
    )


def rod(center, radius):
    """Along z, through the whole scan."""
    return lambda z, y, x: radius - np.sqrt((y - center[1]) ** 2 + (x - center[2]) ** 2) + 0 * z


def dice(image: Image, mask, truth) -> float:
    held = np.zeros(image.shape, bool)
    low = np.round(image.to_index(mask.origin)).astype(int)
    held[tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))] = mask.to_array()
    grid = np.meshgrid(
        *(np.arange(n) * s + o for n, s, o in zip(image.shape, image.scale, image.origin, strict=True)),
        indexing="ij",
        sparse=True,
    )
    true = truth(*grid) > 0
    return float(2 * (held & true).sum() / (held.sum() + true.sum()))


CENTER = (-172.3, 51.2, -6.4)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 0.7, 0.7)])
@pytest.mark.parametrize("radius", [4.0, 7.0, 12.0])
def test_a_click_beside_the_middle_finds_place_size_and_shape(spacing, radius):
    truth = ball(CENTER, radius)
    image = lung(spacing, tissue=truth)
    grown = grow(image, [np.add(CENTER, (0.2 * radius, -0.3 * radius, 0.3 * radius))])
    np.testing.assert_allclose(grown.sphere.center, CENTER, atol=0.5)
    assert grown.sphere.diameter == pytest.approx(2 * radius, rel=0.1)
    score = dice(image, grown.mask, truth)
    print(f"spacing {spacing}, radius {radius} mm: Dice {score:.3f}")
    assert score > 0.88
    np.testing.assert_allclose((np.subtract(grown.mask.origin, ORIGIN) / spacing) % 1, np.zeros(3), atol=1e-6)


def test_a_vessel_through_the_nodule_is_cut_off_and_said():
    nodule, vessel = ball(CENTER, 7.0), rod(CENTER, 1.4)
    image = lung((1.0, 0.8, 0.8), tissue=lambda z, y, x: np.maximum(nodule(z, y, x), vessel(z, y, x)))
    grown = grow(image, [CENTER])
    assert dice(image, grown.mask, nodule) > 0.9
    assert any("vessels" in note for note in grown.notes)


def test_what_does_not_end_is_not_grown():
    with pytest.raises(LungmtlError):
        grow(lung((1.0, 1.0, 1.0), tissue=rod(CENTER, 3.0)), [CENTER])  # a vessel
    with pytest.raises(LeakError):  # the chest wall
        grow(
            lung((1.0, 1.0, 1.0), tissue=lambda z, y, x: y - 51.2 + 0 * z + 0 * x),
            [np.add(CENTER, (0, 6, 0))],
        )
    with pytest.raises(LungmtlError):
        grow(lung((1.0, 1.0, 1.0)), [CENTER])  # nothing there


def test_a_stroke_says_how_large_the_nodule_is():
    truth = ball(CENTER, 13.0)
    image = lung((1.0, 1.0, 1.0), tissue=truth)
    stroke = [np.add(CENTER, (0, k, 0)) for k in np.linspace(-9, 9, 7)]
    assert dice(image, grow(image, stroke).mask, truth) > 0.9
    assert grow(image, [CENTER]).sphere.diameter == pytest.approx(26, rel=0.1)


def test_real_nodules_are_grown_as_their_readers_saw_them(lungmtl_data, luna16_cubes):
    chosen = luna16_cubes[::40]
    with np.load(lungmtl_data / "luna16_nodules" / "cubes.npz") as file:
        packed = file["masks"][::40]
    masks = np.unpackbits(packed, axis=1, count=50**3).reshape(-1, 50, 50, 50).astype(bool)
    scores = []
    for cube, mask in zip(chosen, masks, strict=True):
        image = Image(to_hu(cube.voxels).astype(np.int16), "CT", (1.0, 1.0, 1.0), ORIGIN)
        try:
            grown = grow(image, [image.to_world(np.argwhere(mask).mean(axis=0))])
        except LungmtlError:
            continue
        held = np.zeros(mask.shape, bool)
        low = np.round(image.to_index(grown.mask.origin)).astype(int)
        held[tuple(slice(a, a + n) for a, n in zip(low, grown.mask.shape, strict=True))] = (
            grown.mask.to_array()
        )
        scores.append(2 * (held & mask).sum() / (held.sum() + mask.sum()))
    print(f"{len(scores)} of {len(chosen)} real nodules grown: Dice median {np.median(scores):.3f}")
    assert len(scores) >= 0.85 * len(chosen)
    assert np.median(scores) > 0.68
