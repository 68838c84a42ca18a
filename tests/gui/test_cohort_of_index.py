"""The section cohort with the index of many studies: a part of it on the map, look-alikes among all, each opened at its place."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.panel.cohort import section as section_module
from napari_lungmtl.training.cluster.reuse.cohort import loading_index
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.imaging import read_image

from ..stand_ins.case_folder import write_scan
from ..stand_ins.cohort_window import circle, click, load
from ..stand_ins.indexed import write_study

pytest.importorskip("pyarrow")


@pytest.fixture
def results(tmp_path):
    """Six sure nodules in a scan, and one that is less sure in another."""
    rng = np.random.default_rng(1)
    nodules = [
        Finding(
            Sphere((-80.0, 20.0, -12.0 + 4 * i), 5.0 + i),
            0.95 - 0.05 * i,
            malignancy=0.5,
            attributes=dict(zip(ATTRIBUTES, rng.uniform(1, 5, 8), strict=True)),
            provenance=Provenance("ag3d", "0.3"),
            id=f"n{i}",
        )
        for i in range(7)
    ]
    for name, items in (("a", nodules[:6]), ("b", nodules[6:])):
        image = read_image(write_scan(tmp_path / "scans" / f"{name}.nii.gz"))
        image = replace(image, series_uid=name)
        write_study(tmp_path / "out", Findings(tuple(items), ImageReference.of(image)), name)
    return tmp_path / "out"


def test_a_part_is_on_the_map_and_a_look_alike_elsewhere_opens(window, results, qtbot, monkeypatch):
    monkeypatch.setattr(section_module, "embed", circle)
    monkeypatch.setattr(section_module, "loading_index", partial(loading_index, most=6))
    _, dock = window
    load(dock, results, qtbot=qtbot)
    assert dock.cohort.summary.text() == "6 nodules"
    assert "6 surest of 7 characterised findings" in dock.cohort.message.text()
    click(dock, 2, qtbot)
    session = dock.reviewed.session
    assert (session.image.source.name, session.selected) == ("a.nii.gz", "n2")
    row = dock.cohort.alike
    qtbot.waitUntil(row.isVisible, timeout=60_000)
    shown = [button for button in row.buttons if button.isVisible()]
    assert len(shown) == 1  # of the same scan none is one
    with qtbot.waitSignal(dock.cohort.opener.opened, timeout=60_000):
        QTest.mouseClick(shown[0], Qt.MouseButton.LeftButton)
    session = dock.reviewed.session
    assert (session.image.source.name, session.selected) == ("b.nii.gz", "n6")
    np.testing.assert_allclose(session.findings["n6"].center, (-80.0, 20.0, 12.0))
    assert dock.cohort.plot.marked is None  # it has no place on the map
    assert "Ø 11.0 mm" in dock.cohort.message.text()
