"""Overlap of boxes beside torchvision and numbers counted by hand."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import ops

from napari_lungmtl.training.ops.boxes import box_area, box_iou, contains

corner, side = st.integers(0, 50), st.integers(1, 30)
boxes = st.lists(
    st.builds(lambda x, y, w, h: [x, y, x + w, y + h], corner, corner, side, side), min_size=1, max_size=5
)


def test_iou_of_hand_counted_boxes():
    np.testing.assert_allclose(
        box_iou([[0, 0, 4, 4]], [[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [1, 1, 2, 2]]),
        [[1, 1 / 3, 0, 1 / 16]],
    )
    assert box_iou(np.zeros((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
    assert box_iou([[1, 1, 1, 1]], [[1, 1, 1, 1]]) == 0


@settings(deadline=None)
@given(boxes, boxes)
def test_iou_and_area_are_those_of_torchvision(a, b):
    one, two = torch.tensor(a).double(), torch.tensor(b).double()
    np.testing.assert_allclose(box_iou(a, b), ops.box_iou(one, two).numpy())
    np.testing.assert_allclose(box_area(np.array(a)), ops.box_area(one).numpy())


def test_boxes_are_half_open():
    found = contains([[0, 0, 10, 10]], [[0, 0], [9.9, 5], [10, 5], [5, -1]])
    assert found.tolist() == [[True, True, False, False]]
