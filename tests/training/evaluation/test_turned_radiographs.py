"""A radiograph that lies on its side is evaluated as it is used: turned for the network, and marks turned back to the file."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiographs import predict_radiographs
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Provenance

PLACE = (100, 300, 140, 360)
"""Rows and columns of the mark, where the network sees it: first row, first column, ends."""


@dataclass
class OnePlace:
    """Marks one place of whatever it sees."""

    seen: list[np.ndarray] = field(default_factory=list)

    def run(self, image):
        """Follow the Predictor protocol."""
        self.seen.append(np.asarray(image.voxels))
        low, high = image.to_world(np.subtract(PLACE[:2], 0.5)), image.to_world(np.subtract(PLACE[2:], 0.5))
        mark = Finding(Box(tuple(low), tuple(high)), 0.9, provenance=Provenance("dhn", "0.1"))
        return Findings((mark,), ImageReference.of(image), ({"name": "dhn", "version": "0.1"},))
        yield


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_the_network_sees_it_upright_and_marks_lie_in_the_file(tmp_path, lungmtl_data, quarters):
    upright = np.asarray(Picture.open(lungmtl_data / "cxr" / "jsrt" / "images" / "JPCLN004.jpg").convert("L"))
    stored = np.rot90(upright, quarters)
    Picture.fromarray(stored).save(tmp_path / "a.png")
    marked = np.zeros(upright.shape, bool)
    marked[PLACE[0] : PLACE[2], PLACE[1] : PLACE[3]] = True
    rows, columns = np.nonzero(np.rot90(marked, quarters))
    network = OnePlace()
    (result,), failed = predict_radiographs(network, [RadiographCase(tmp_path / "a.png", "a")], 0.5)
    assert not failed
    np.testing.assert_array_equal(network.seen[0], upright)
    box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    np.testing.assert_allclose(result.boxes, [box], atol=1e-3)
