"""The cube table: a perfect detector, a blind one, and the marker of the centre that must not look good when shifted."""

import numpy as np
import pytest

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, to_hu
from napari_lungmtl.training.evaluation import cubes as c


@pytest.fixture(scope="module")
def cubes():
    rng = np.random.default_rng(0)
    found = []
    for i in range(40):
        voxels = np.full((50, 50, 50), 20, np.uint8)
        truth = np.array([[24.5, 24.5, 24.5, 8.0], [*rng.uniform(3, 46, 2), 6.0, 5.0]][: 1 + i % 2])
        for z, y, x, d in truth:
            grid = np.indices(voxels.shape)
            voxels[np.linalg.norm(grid - np.array([z, y, x])[:, None, None, None], axis=0) < d / 2] = 140
        found.append(NoduleCube(f"s{i // 2}", voxels, truth, np.zeros((0, 4)), "0", {}))
    return found


def components(volumes):
    """A real detector of these cubes: dense components, as spheres."""
    from scipy.ndimage import center_of_mass, label

    results = []
    for hu in volumes:
        labels, n = label(hu > -300)
        index = np.arange(1, n + 1)
        centers = np.array(center_of_mass(labels > 0, labels, index)).reshape(-1, 3)
        sizes = (6 * np.bincount(labels.ravel())[1:] / np.pi) ** (1 / 3)
        results.append((np.column_stack([centers, sizes]), np.ones(n)))
    return results


def test_a_perfect_detector_has_one_everywhere(cubes):
    result = c.table(cubes, components, 0.5, samples=20)
    for name in ("whole", "centred", "shifted", "centred_in_context", "shifted_in_context"):
        assert result[name]["sensitivity_at"]["0.125"] == 1
        assert result[name]["false_positives_at_default"] == 0
    assert np.median(result["center_error"]) < 0.5
    assert np.median(np.abs(result["diameter_error"])) < 0.5
    assert result["corners"]["per_litre_at_default"] == 0


def test_the_centre_marker_falls_when_shifted(cubes):
    result = c.table(cubes, components, 0.5, samples=20)
    assert result["centre_marker"]["sensitivity_at"]["1"] > 0.6
    assert result["centre_marker_shifted"]["sensitivity_at"]["1"] < 0.3


def test_nothing_found(cubes):
    blind = c.table(cubes, lambda volumes: [(np.zeros((0, 4)), np.zeros(0))] * len(volumes), 0.5, samples=20)
    assert blind["whole"]["mean_sensitivity"] == 0
    assert blind["whole"]["sensitivity_at_default"] == 0
    assert len(blind["center_error"]) == 0


def test_marks_outside_the_window_and_on_excluded_do_not_count(cubes):
    cube = cubes[0]
    excluded = NoduleCube(cube.series, cube.voxels, cube.truth, np.array([[10.0, 10, 10, 10]]), "0", {})
    marks = np.array([[10.0, 10, 10, 5], [-3, 10, 40, 5], [40, 40, 10, 5], [24.5, 24.5, 24.5, 8]])
    region = c.Region(0, (0, 0, 0), (50, 50, 50), True)
    (scored,) = c.score_regions([excluded], [region], [(marks, np.array([0.9, 0.9, 0.8, 0.7]))])
    assert scored.matching.false_positive.sum() == 1  # only the third
    assert scored.matching.found.tolist() == [True]


def test_a_nodule_centred_outside_a_window_is_ignored_there(cubes):
    region = c.Region(0, (0, 0, 0), (34, 34, 22), True)
    cube = cubes[0]
    (scored,) = c.score_regions([cube], [region], [(np.array([[24.0, 24, 21, 8]]), np.ones(1))])
    assert len(scored.matching.nodule_mark) == 0
    assert scored.matching.false_positive.sum() == 0


def test_litres_count_lung(cubes):
    region = c.Region(0, (0, 0, 0), (50, 50, 50), True)
    (scored,) = c.score_regions(cubes[:1], [region], [(np.zeros((0, 4)), np.zeros(0))])
    assert scored.litres == pytest.approx((to_hu(cubes[0].voxels) < -320).sum() * 1e-6)


def test_cut_windows_see_only_themselves(cubes):
    seen = []
    c.table(
        cubes[:4],
        lambda v: [seen.append(x.shape) or (np.zeros((0, 4)), np.zeros(0)) for x in v],
        0.5,
        samples=5,
    )
    assert set(seen) == {(50, 50, 50), (34, 34, 34)}
    assert len(seen) == 12
