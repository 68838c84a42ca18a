"""Sphere overlap and suppression against numbers that can be checked by counting voxels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.ops.spheres import nms_spheres, paired_overlap, sphere_iou

coordinate = st.floats(-20, 20)
spheres = st.lists(st.tuples(coordinate, coordinate, coordinate, st.floats(1, 30)), min_size=1, max_size=8)


def counted_iou(a, b, step=0.25):
    low = min(a[:3].min() - a[3] / 2, b[:3].min() - b[3] / 2)
    high = max(a[:3].max() + a[3] / 2, b[:3].max() + b[3] / 2)
    axis = np.arange(low, high + step, step)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    inside = [(z - s[0]) ** 2 + (y - s[1]) ** 2 + (x - s[2]) ** 2 < (s[3] / 2) ** 2 for s in (a, b)]
    return (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([0, 0, 0, 10], [0, 0, 0, 10]),
        ([0, 0, 0, 10], [3, 0, 0, 8]),
        ([0, 0, 0, 12], [1, 1, 0, 4]),
        ([0, 0, 0, 10], [4, 4, 4, 10]),
    ],
)
def test_iou_equals_counted_voxels(a, b):
    a, b = np.array(a, float), np.array(b, float)
    iou = sphere_iou(torch.tensor(a)[None], torch.tensor(b)[None]).item()
    assert iou == pytest.approx(counted_iou(a, b), abs=0.02)


def test_touching_and_distant_balls_do_not_overlap():
    a = torch.tensor([[0.0, 0, 0, 10]])
    b = torch.tensor([[10.0, 0, 0, 10], [100, 0, 0, 10]])
    assert sphere_iou(a, b).abs().max() == 0


@settings(deadline=None)
@given(spheres)
def test_iou_is_symmetric_bounded_and_one_with_itself(values):
    s = torch.tensor(values, dtype=torch.float64)
    iou = sphere_iou(s, s)
    assert torch.allclose(iou, iou.T, atol=1e-9)
    assert (iou >= -1e-9).all()
    assert (iou <= 1 + 1e-9).all()
    assert torch.allclose(iou.diagonal(), torch.ones(len(s), dtype=torch.float64))


@settings(deadline=None)
@given(spheres, st.floats(0.05, 0.9), st.integers(0, 2**31))
def test_suppression_equals_the_plain_greedy_loop(values, limit, seed):
    s = np.array(values)
    scores = np.random.default_rng(seed).permutation(len(s)).astype(float)
    iou = sphere_iou(torch.tensor(s), torch.tensor(s)).numpy()
    volume = np.pi / 6 * s[:, 3] ** 3
    both = volume[:, None] + volume[None]
    shared = iou * both / (1 + iou)
    swallowed = shared > 0.3 * np.minimum(volume[:, None], volume[None])
    kept: list[int] = []
    for i in np.argsort(-scores):
        if not any(iou[i, k] > limit or swallowed[i, k] for k in kept):
            kept.append(i)
    assert nms_spheres(s, scores, limit).tolist() == kept


def test_suppression_of_nothing_and_of_one():
    assert len(nms_spheres(np.zeros((0, 4)), np.zeros(0))) == 0
    assert nms_spheres(np.array([[0, 0, 0, 5.0]]), np.array([0.3])).tolist() == [0]


def test_a_detection_on_the_rim_of_a_large_nodule_falls_and_a_neighbour_stays():
    nodule, rim, neighbour = [0, 0, 0, 22.0], [11.2, 0, 0, 6.0], [0, 14.0, 0, 6.0]
    assert nms_spheres(np.array([nodule, rim, neighbour]), np.array([0.9, 0.8, 0.7]), 0.05).tolist() == [0, 2]


@settings(deadline=None)
@given(spheres, spheres)
def test_pairs_overlap_as_the_table_of_all_says(first, second):
    n = min(len(first), len(second))
    a, b = torch.tensor(first[:n], dtype=torch.float64), torch.tensor(second[:n], dtype=torch.float64)
    iou, distance, reach = paired_overlap(a, b)
    assert torch.allclose(iou, sphere_iou(a, b).diagonal(), atol=1e-6)
    assert torch.allclose(distance, torch.linalg.vector_norm(a[:, :3] - b[:, :3], dim=1), atol=1e-5)
    assert (reach >= torch.maximum(a[:, 3], b[:, 3])).all()
    assert (reach >= distance).all()
