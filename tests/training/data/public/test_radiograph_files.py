"""Radiographs that lie on their side."""

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.data.public.radiograph_files import read_radiograph
from napari_lungmtl.training.data.public.radiographs import RadiographCase


def test_a_radiograph_with_the_head_at_the_left_is_set_upright(tmp_path):
    picture = np.zeros((40, 60), np.uint8)
    picture[18:22, :10] = 200  # the head
    Picture.fromarray(picture).save(tmp_path / "a.png")
    upright = read_radiograph(RadiographCase(tmp_path / "a.png", "a", upright=False))
    assert upright.shape == (60, 40)
    assert upright.voxels[:10, 18:22].min() == 200
    assert read_radiograph(RadiographCase(tmp_path / "a.png", "a")).shape == (40, 60)
    with pytest.raises(ValueError, match="lies on its side"):
        read_radiograph(RadiographCase(tmp_path / "a.png", "a", boxes=np.ones((1, 4)), upright=False))
