"""*Save Selected Layers* on boxes, masks and lungs: the findings of their image, and a word on what is hidden or rejected."""

from __future__ import annotations

import pytest
from napari.utils.notifications import notification_manager

from napari_lungmtl.contributions.writer import write_layers
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.errors import SaveError
from napari_lungmtl.training.findings.formats.json_file import read_findings

from ..stand_ins.reviewed_radiographs import by_both, radiograph


@pytest.fixture
def marked(window):
    """A radiograph with boxes, masks and lungs: five findings, one hidden by the threshold, one rejected."""
    viewer, dock = window
    viewer.layers.clear()
    film = radiograph()
    add_image_layer(viewer, film)
    dock.reviewed.session.replace_findings(by_both(film))
    dock.reviewed.session.reject("m2")
    return viewer, dock


def test_each_layer_saves_the_findings_of_its_image_and_says_what_is_hidden_or_rejected(marked, tmp_path):
    viewer, dock = marked
    for name in ("boxes", "nodule masks", "lungs"):
        target = tmp_path / f"{name}.lungmtl.json"
        assert viewer.layers[name].save(str(target), plugin="napari-lungmtl") == [str(target)]
        assert read_findings(target) == dock.reviewed.session.findings
        said = notification_manager.records[-1].message
        assert said == f"{target.name} holds all 5 findings, also 1 hidden by the thresholds and 1 rejected."
    viewer.layers.selection = {viewer.layers["boxes"], viewer.layers["lungs"]}
    viewer.layers.save(str(tmp_path / "case.csv"), selected=True, plugin="napari-lungmtl")
    (found,) = read_csv(tmp_path / "case.csv", [dock.reviewed.session.findings.image]).values()
    assert len(found) == 5
    own = viewer.add_shapes(ndim=2, name="mine")
    with pytest.raises(SaveError, match="none of these layers holds findings"):
        write_layers(str(tmp_path / "x.csv"), [own.as_layer_data_tuple()])
