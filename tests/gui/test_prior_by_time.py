"""Which study the key takes as the prior, and what is said of the time between both: real windows, keys and clicks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.dock_input import press

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


def named(image: Image, uid: str, date: str, time: str = "") -> Image:
    known = {"patient_id": "P1", "study_date": date, "acquisition_time": time}
    return replace(image, series_uid=uid, metadata=known)


@pytest.fixture
def studies(window, image):
    """A viewer with studies of January and of July, which is looked at."""
    viewer, dock = window
    for uid, date in (("1.9.0", "20240112"), ("1.9.1", "20240711")):
        add_image_layer(viewer, named(image, uid, date))
    yield viewer, dock
    dock.prior.choose_study(None)


def test_the_key_takes_the_latest_earlier_study_and_never_a_later_one(studies, image, qtbot):
    viewer, dock = studies
    present = dock.reviewed
    for uid, date in (("1.9.4", "20250101"), ("1.9.5", "20230101"), ("1.9.6", "20240710")):
        add_image_layer(viewer, named(image, uid, date))
    dock.reviewed_images.choose(present.layer)
    press(dock, Qt.Key.Key_G, SHIFT)
    dock.prior.work.cancel()
    assert dock.prior.beside.study.image.series_uid == "1.9.6"
    assert dock.prior.days.value() == 1
    dock.prior.choose_study(None)
    oldest = next(
        layer
        for layer in dock.reviewed_images.layers
        if layer.metadata["lungmtl_image"].series_uid == "1.9.5"
    )
    dock.reviewed_images.choose(oldest)
    press(dock, Qt.Key.Key_G, SHIFT)
    assert not dock.prior.beside.shown, "all others of the patient are later"
    assert dock.prior.choose.currentText() == "none"
    dock.prior.choose.setCurrentIndex(1)
    dock.prior.choose.activated.emit(1)
    dock.prior.work.cancel()
    assert dock.prior.beside.study.image.series_uid == "1.9.0", "a person may choose it"
    assert "later one, by 376 days: swap" in dock.prior.words.text()
    assert dock.prior.swap.isVisible()
    assert not dock.prior.days.isVisible(), "it would say that the days are unknown"
    dock.prior.choose_study(None)


def test_a_prior_of_the_same_day_is_said_to_be_one(studies, image, qtbot):
    viewer, dock = studies
    add_image_layer(viewer, named(image, "1.9.7", "20240801", "093000"))
    early = dock.reviewed
    add_image_layer(viewer, named(image, "1.9.8", "20240801", "101500"))
    late, prior = dock.reviewed, dock.prior
    prior.choose_study(next(s for s in prior._listed if s.layer is early.layer))
    prior.work.cancel()
    assert "of the same day" in prior.words.text()
    assert "unknown" not in prior.words.text()
    assert prior.days.text() == "0"
    assert not prior.swap.isVisible()
    prior.days.setFocus()
    prior.days.lineEdit().selectAll()
    QTest.keyClicks(prior.days, "30")
    QTest.keyClick(prior.days, Qt.Key.Key_Return)
    assert prior._days(prior._choice) == 30, "a person knows better"
    assert "same day" not in prior.words.text()
    prior.days.lineEdit().selectAll()
    QTest.keyClicks(prior.days, "0")
    QTest.keyClick(prior.days, Qt.Key.Key_Return)
    assert "of the same day" in prior.words.text()
    prior.choose_study(None)
    dock.reviewed_images.choose(early.layer)
    prior.choose_study(next(s for s in prior._listed if s.layer is late.layer))
    prior.work.cancel()
    assert "the later one of the same day: swap" in prior.words.text()
    QTest.mouseClick(prior.swap, LEFT)
    prior.work.cancel()
    assert dock.reviewed is late
    assert prior.beside.study.layer is early.layer
    assert "swap" not in prior.words.text()
    prior.choose_study(None)
