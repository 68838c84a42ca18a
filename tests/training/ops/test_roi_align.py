"""3-D RoIAlign on maps whose averages are known."""

import pytest
import torch

from napari_lungmtl.training.ops.roi_align import roi_align_3d, roi_align_each


def ramp(shape=(12, 14, 16)):
    axes = [torch.arange(n, dtype=torch.float64) for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def test_linear_maps_are_averaged_exactly():
    center, side = (5.3, 6.1, 7.7), 4.0
    rois = torch.tensor([[*center, side]], dtype=torch.float64)
    pooled = roi_align_3d(ramp(), rois, 2)[0]
    for axis in range(3):
        line = pooled[axis].movedim(axis, 0)[:, 0, 0]
        assert line.tolist() == pytest.approx([center[axis] - side / 4, center[axis] + side / 4])


def test_zyx_order_is_kept():
    rois = torch.tensor([[3.0, 7.0, 11.0, 2.0]], dtype=torch.float64)
    assert roi_align_3d(ramp(), rois, 1)[0].flatten().tolist() == pytest.approx([3, 7, 11])


def test_outside_takes_the_border_and_none_gives_none():
    rois = torch.tensor([[-9.0, 5.0, 5.0, 2.0]], dtype=torch.float64)
    assert roi_align_3d(ramp(), rois, 1)[0, 0].item() == 0
    assert roi_align_3d(ramp(), rois[:0], 2).shape == (0, 3, 2, 2, 2)


def test_gradient_reaches_the_map():
    feature = ramp().requires_grad_(True)
    roi_align_3d(feature, torch.tensor([[4.0, 4.0, 4.0, 3.0]], dtype=torch.float64), 2).sum().backward()
    assert feature.grad.abs().sum() > 0


def test_each_region_of_its_own_map_is_as_all_of_one():
    rois = torch.tensor([[5.3, 6.1, 7.7, 4.0], [3.0, 7.0, 11.0, 2.0]], dtype=torch.float64)
    maps = torch.stack([ramp(), 2 * ramp()])
    each = roi_align_each(maps, rois, 2)
    assert torch.allclose(each[0], roi_align_3d(ramp(), rois, 2)[0])
    assert torch.allclose(each[1], 2 * roi_align_3d(ramp(), rois, 2)[1])
