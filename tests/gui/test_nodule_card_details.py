"""What folds out of the nodule card: scores by slice, view and fold; MT-CNN's views beside its reconstructions."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from napari_lungmtl.layers.malignancy_colors import malignancy_color
from napari_lungmtl.panel.nodule.mtcnn_views import Reconstructions, short
from napari_lungmtl.panel.nodule.opinion_plots import slice_places
from napari_lungmtl.training.findings import Finding, Opinion
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.nodule_cards import MTCNN, MTMR, VIEWS, balls, is_color, judged, rgb, shown


def test_slices_and_views_are_plotted_where_they_belong(window, qtbot):
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0)))
    card.details.button.click()
    qtbot.waitUntil(card.slices.isVisible)
    assert card.slices.points == (
        ("axial", -5.0, 0.6),
        ("axial", 0.0, 0.9),
        ("axial", 2.5, 0.7),
        ("sagittal", -5.0, 0.3),
        ("sagittal", 5.0, 0.4),
    )
    pixels = rgb(card.slices)
    for plane, offset, score in card.slices.points:
        place = card.slices.point_at(plane, offset, score)
        assert is_color(pixels[int(place.y()), int(place.x())], malignancy_color(score))
    xs = [card.slices.point_at("sagittal", x, 0).x() for x in (-5, -2.5, 0, 2.5, 5)]
    assert np.diff(xs) == pytest.approx([xs[1] - xs[0]] * 4)
    assert xs[0] > card.slices.area("axial").right()
    assert [row.name for row in card.parts.rows] == list(VIEWS)
    views = rgb(card.parts)
    for number, part in enumerate(MTCNN.view_scores):
        scale = card.parts.scale(number)
        pixel = views[int(scale.center().y()), int(scale.left() + part * scale.width())]
        assert is_color(pixel, malignancy_color(part))
    assert [(row.name, row.text) for row in card.folds.rows] == [
        ("MTMR-Net", "0.75 – 0.85"),
        ("MT-CNN", "0.60"),
    ]


def test_places_are_slices_only_where_all_are_millimetres():
    assert slice_places(MTMR) == (
        ("axial", -5.0),
        ("axial", 0.0),
        ("axial", 2.5),
        ("sagittal", -5.0),
        ("sagittal", 5.0),
    )
    assert slice_places(MTCNN) is None
    places = ("axial −5 mm", "axial", "axial 0 mm", "sagittal 0 mm", "sagittal 1 mm")
    assert slice_places(replace(MTMR, view_names=places)) is None
    assert slice_places(Opinion("mtmr", "1", 0.5)) is None


def test_the_names_of_views_fit_above_their_pair():
    assert [short(name) for name in ("axial", "coronal–sagittal −45°")] == ["axial", "cor–sag −45°"]


class FakeReconstruct:
    """Waits to be let go; then a picture whose brightness is the finding's malignancy."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: set[int] = set()
        self.go = threading.Event()
        self.error: Exception | None = None

    def __call__(self, image: Image, finding: Finding):
        self.asked.append(finding.id)
        self.threads.add(threading.get_ident())
        assert self.go.wait(240)
        if self.error is not None:
            raise self.error
        views = np.full((9, 50, 50), finding.malignancy, np.float32)
        return views, 1 - views, VIEWS


@pytest.fixture
def fake(window) -> FakeReconstruct:
    """In the place of MT-CNN."""
    card = window[1].card
    fake = FakeReconstruct()
    card._reconstructions = Reconstructions(fake, card)
    card._reconstructions.ready.connect(card.views.show_views)
    card._reconstructions.failed.connect(partial(card.views.say, role="warning"))
    yield fake
    fake.go.set()


def level(card, number: int, which: int) -> float:
    """Brightness of a view (0) or reconstruction (1)."""
    return float(rgb(card.views.pictures[number][which].pixmap().toImage()).mean() / 255)


def test_views_stand_beside_their_reconstructions(window, fake, qtbot):
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0), id="a"))
    assert fake.asked == []
    card.seen.button.click()
    qtbot.waitUntil(lambda: fake.asked == ["a"])
    assert card.views.message.text() == "Computing the views …"
    fake.go.set()
    qtbot.waitUntil(lambda: card.views.names[0].isVisibleTo(card))
    assert [name.text() for name in card.views.names] == list(VIEWS)
    for number in range(9):
        assert level(card, number, 0) == pytest.approx(0.7, abs=0.01)
        assert level(card, number, 1) == pytest.approx(0.3, abs=0.01)
    assert threading.get_ident() not in fake.threads


def test_a_result_that_comes_after_the_selection_moved_on_is_dropped(window, fake, qtbot):
    offsets = {"a": (0.0, 0.2), "b": (9.0, 0.4), "c": (-9.0, 0.9)}
    findings = [judged((-150.0, 40.0, x), id=id, malignancy=m) for id, (x, m) in offsets.items()]
    card, session = shown(window, balls({}), *findings)
    answers: list[object] = []
    card._reconstructions.ready.connect(answers.append)
    card.seen.button.click()
    qtbot.waitUntil(lambda: fake.asked == ["a"])
    session.select("b")
    session.select("c")
    fake.go.set()
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert fake.asked == ["a", "c"]  # one at a time, and not for what was passed over
    assert level(card, 0, 0) == pytest.approx(0.9, abs=0.01)
    fake.go.clear()
    session.select("a")
    qtbot.waitUntil(lambda: fake.asked == ["a", "c", "a"])
    card.seen.button.click()
    fake.go.set()
    qtbot.waitUntil(lambda: not card._reconstructions.busy)
    assert len(answers) == 1


def test_an_accepted_finding_is_not_computed_again(window, fake, qtbot):
    fake.go.set()
    card, session = shown(window, balls({}), judged((-150.0, 40.0, 0.0), id="a"))
    card.seen.button.click()
    qtbot.waitUntil(lambda: card.views.names[0].isVisibleTo(card))
    session.accept("a")
    assert fake.asked == ["a"]
    assert card.views.names[0].isVisibleTo(card)


def test_a_network_that_fails_leaves_a_sentence(window, fake, qtbot):
    fake.error = RuntimeError("no weights of MT-CNN are at hand")
    fake.go.set()
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0)))
    card.seen.button.click()
    qtbot.waitUntil(lambda: "no weights" in card.views.message.text())
    assert card.views.message.property("role") == "warning"
    assert not card.views.names[0].isVisibleTo(card)
