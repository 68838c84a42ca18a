"""True boxes on a radiograph, as `lungmtl view RADIOGRAPH --truth FILE` shows them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.app import read_truth, show_truth
from napari_lungmtl.layers.overlay_colors import TRUTH as TRUTH_COLOR
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.imaging.image import Image


@pytest.fixture
def image(tmp_path) -> Image:
    """A radiograph that is away from the world's origin, with a bright rectangle."""
    voxels = np.random.default_rng(0).integers(0, 50, (100, 200)).astype(np.int16)
    voxels[20:30, 40:55] = 255
    return Image(voxels, "DX", (0.5, 0.5), (3.0, -7.0), series_uid="n0001", source=tmp_path / "n0001.png")


@pytest.fixture
def findings() -> Findings:
    """Nothing: the volume's findings have no place here."""
    return Findings()


def test_true_boxes_lie_on_the_pixels_that_the_file_names(window, image, tmp_path):
    viewer, dock = window
    (tmp_path / "metadata.csv").write_text(
        "img_name,height,width,x,y,label\nn0001.png,10,15,40,20,1\nn0002.png,0,0,0,0,0\n"
    )
    show_truth(viewer, dock, read_truth(tmp_path / "metadata.csv", image))
    layer, picture = viewer.layers["truth"], viewer.layers[0]
    assert viewer.dims.ndim == 2
    # Through the outer edges of rows 20 to 29 and columns 40 to 54 of the picture as it is shown.
    assert set(layer.shape_type) == {"path"}  # corners: no box of a network looks so
    points = np.concatenate(layer.data)
    index = np.array([picture.world_to_data(layer.data_to_world(point)) for point in points])
    np.testing.assert_allclose([index.min(0), index.max(0)], [[19.5, 39.5], [29.5, 54.5]], atol=1e-6)
    red, green, blue = (int(TRUTH_COLOR[i : i + 2], 16) / 255 for i in (1, 3, 5))
    np.testing.assert_allclose(layer.edge_color[0, :3], [red, green, blue], atol=1e-6)
    assert "truth: 1 nodule" in dock.study_section._legend.text()
    assert not len(dock.reviewed.session.findings)


def test_a_radiograph_without_nodules_has_no_true_boxes(window, image, tmp_path):
    viewer, dock = window
    (tmp_path / "metadata.csv").write_text("img_name,height,width,x,y,label\nn0001.png,0,0,0,0,0\n")
    show_truth(viewer, dock, read_truth(tmp_path / "metadata.csv", image))
    assert len(viewer.layers["truth"].data) == 0
    assert viewer.dims.ndim == 2
    assert "truth: 0 nodules" in dock.study_section._legend.text()
