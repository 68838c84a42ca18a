"""A person's own windows: named by key, offered beside the presets, kept for the next session, forgotten by a button."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers import window_presets
from napari_lungmtl.session import own_windows
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.dock_input import press


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "napari-lungmtl" / "windows.json"


def keep(dock, name: str) -> None:
    """Name the present window by hand."""
    press(dock, Qt.Key.Key_W)
    QApplication.processEvents()
    assert QApplication.focusWidget() is dock.show_section.windows.name
    QTest.keyClicks(dock.show_section.windows.name, name)
    QTest.keyClick(dock.show_section.windows.name, Qt.Key.Key_Return)


def names(dock) -> list[str]:
    box = dock.show_section.window_preset
    return [box.itemText(n) for n in range(box.count())]


def test_a_window_is_named_offered_and_chosen_again(window, image):
    _, dock = window
    layer = dock.reviewed.layer
    layer.contrast_limits = (-10, 190)
    assert names(dock)[-1] == "Custom"
    keep(dock, "Liver")
    assert dock.show_section.window_preset.currentText() == "Liver"
    assert names(dock)[-1] == "Liver"
    assert not dock.show_section.windows.name.isVisible()
    press(dock, Qt.Key.Key_1)
    assert tuple(layer.contrast_limits) == (-1350, 150)
    press(dock, Qt.Key.Key_5)  # lung, mediastinum, bone, full, the person's
    assert tuple(layer.contrast_limits) == (-10, 190)
    assert window_presets.presets(image)["Liver"] == (-10, 190)  # of every scan, also in the next session
    film = Image(np.zeros((4, 5), np.int16))
    assert "Liver" not in window_presets.presets(film)  # whose grey values are others


def test_a_presets_name_is_not_taken_and_escape_names_nothing(window, monkeypatch):
    _, dock = window
    said = []
    monkeypatch.setattr("napari_lungmtl.panel.show.window_row.show_error", said.append)
    dock.reviewed.layer.contrast_limits = (-10, 190)
    keep(dock, "Lung")
    assert said == ["Lung is the name of a window that is there: choose another one."]
    QTest.keyClick(dock.show_section.windows.name, Qt.Key.Key_Escape)
    assert not dock.show_section.windows.name.isVisible()
    assert names(dock)[-1] == "Custom"


def test_it_is_forgotten_by_its_button(window):
    _, dock = window
    dock.reviewed.layer.contrast_limits = (-10, 190)
    keep(dock, "Liver")
    assert dock.show_section.windows.forget.isVisible()
    QTest.mouseClick(dock.show_section.windows.forget, Qt.MouseButton.LeftButton)
    assert "Liver" not in names(dock)
    assert tuple(dock.reviewed.layer.contrast_limits) == (-10, 190)
    press(dock, Qt.Key.Key_1)
    assert not dock.show_section.windows.forget.isVisible()


def test_a_damaged_file_is_passed_over_and_kept(image, own_settings):
    own_settings.parent.mkdir(parents=True)
    for damaged in ("{", '{"scan": {"Liver": [40, -1]}}', "[]"):
        own_settings.write_text(damaged)
        assert own_windows.own_windows(image) == {}
    own_windows.keep_window(image, "Liver", 90, 200)
    assert own_windows.own_windows(image) == {"Liver": (90, 200)}
    assert own_settings.with_name("windows.json.broken").read_text() == "[]"


def test_where_nothing_can_be_written_it_is_said(image, own_settings):
    own_settings.parent.parent.mkdir()
    own_settings.parent.write_text("a file where the folder should be")
    with pytest.raises(own_windows.OwnWindowError, match="not kept"):
        own_windows.keep_window(image, "Liver", 90, 200)
