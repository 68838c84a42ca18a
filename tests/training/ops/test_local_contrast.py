"""A faint spot becomes plain, wherever it lies."""

import pytest
import torch

from napari_lungmtl.training.ops.local_contrast import MOST, with_local_contrast


def radiograph(level: float, slope: float, height: float) -> torch.Tensor:
    """A ramp of grey with a spot of 5 pixels' radius at row 60, column 200."""
    y, x = torch.meshgrid(torch.arange(512.0), torch.arange(512.0), indexing="ij")
    return level + slope * x / 512 + height * ((y - 60) ** 2 + (x - 200) ** 2 < 25)


def test_a_spot_is_as_plain_in_dark_and_bright_places():
    seen = []
    for level, slope in ((0.1, 0.0), (0.5, 0.0), (0.3, 0.3)):
        both = with_local_contrast(radiograph(level, slope, 0.05)[None])
        assert both.shape == (1, 2, 512, 512)
        assert both[0, 0, 300, 300] == pytest.approx(((level + slope * 300 / 512) - 0.5) / 0.25, abs=1e-4)
        seen.append(float(both[0, 1, 60, 200]))
        assert abs(float(both[0, 1, 300, 300])) < 0.3, "a ramp is no contrast"
    assert min(seen) > 1.5
    assert max(seen) - min(seen) < 0.4


def test_it_is_bounded_and_even_radiographs_stay_even():
    x = radiograph(0.2, 0.0, 0.0)
    x[100, 100] = 1.0
    local = with_local_contrast(x[None])[0, 1]
    assert local.abs().max() <= MOST
    assert with_local_contrast(torch.full((2, 64, 64), 0.4))[:, 1].abs().max() < 1e-4
