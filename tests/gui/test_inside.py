"""Section *inside*: computed only when it is open, off the GUI thread, for the latest place; clicks lead the view."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.spheres.layer import add_image_layer
from napari_lungmtl.panel.inside import section as section_module
from napari_lungmtl.panel.inside.groups import short
from napari_lungmtl.panel.inside.picture import Field
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.inside.feature_maps import FeatureMap, Inside, MapGroup, Proposal
from napari_lungmtl.training.inference.predictor import PredictorError, Progress

from ..stand_ins.dock_input import press
from ..stand_ins.nodule_cards import rgb

NAMES = {"ag3d": "3D-AG", "mtcnn": "MT-CNN"}


class FakeLook:
    """Waits to be let go; then a volume of cells of 4 mm whose brightness is the place's z, and two proposals."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.threads: set[int] = set()
        self.left: list[float] = []
        self.go = threading.Event()
        self.error: Exception | None = None

    def __call__(self, image: Image, name: str, place, size: float, device: str, orientation):
        self.asked.append((name, round(place[0], 3)))
        self.threads.add(threading.get_ident())
        try:
            while not self.go.wait(0.02):
                yield Progress(0.5, "computing the maps")
            yield Progress(0.9, "computing the maps")
        except GeneratorExit:
            self.left.append(round(place[0], 3))
            raise
        if self.error is not None:
            raise self.error
        return answer(np.asarray(place, float))


def answer(place: np.ndarray) -> Inside:
    values = np.zeros((20, 20, 20), np.float32)
    values[10, 5:15, 5:15] = 0.25
    values[10, 10, 14] = 1.0
    maps = FeatureMap("stride 4", values, place - 40, np.eye(3) * 4)
    steps = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    view = FeatureMap(
        "axial", np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40), place - [0, 20, 20], steps
    )
    groups = (MapGroup("RPN", "score", (maps,), (0.0, 1.0)), MapGroup("Views", "", (view,), whole=True))
    low, high = tuple((place - 3).tolist()), tuple((place + 3).tolist())
    far = tuple((place + [8, -12, 5]).tolist()), tuple((place + [14, -6, 11]).tolist())
    proposals = (Proposal(far, 0.9, {"rpn": 0.8}), Proposal((low, high), 0.4, {"rpn": 0.5}, kept=False))
    return Inside("3D-AG", tuple(place.tolist()), groups, proposals, "FPRN gave it 0.40.")


@pytest.fixture
def fake(window, monkeypatch) -> FakeLook:
    fake = FakeLook()
    monkeypatch.setattr(
        section_module, "networks_to_look_into", lambda image: NAMES if image.ndim == 3 else {}
    )
    inside = window[1].inside
    inside._look = fake
    inside.again()
    yield fake
    fake.go.set()


def open_by_click(inside) -> None:
    QTest.mouseClick(inside._title, Qt.MouseButton.LeftButton)


def test_nothing_is_computed_while_it_is_folded(after_run, fake, qtbot):
    _, dock = after_run
    inside = dock.inside
    assert not inside._title.isChecked()
    dock.reviewed.session.select("f1")
    assert inside.summary.text() == "Finding 1, Ø 21.0 mm"
    qtbot.wait(100)
    assert fake.asked == []
    open_by_click(inside)
    qtbot.waitUntil(lambda: len(fake.asked) == 1)
    qtbot.waitUntil(lambda: inside.message.text() == "Computing the maps …")
    assert inside.cancel_button.isVisibleTo(inside)
    fake.go.set()
    qtbot.waitUntil(lambda: inside.inside is not None)
    assert inside.message.text() == "FPRN gave it 0.40."
    assert not inside.cancel_button.isVisibleTo(inside)
    assert threading.get_ident() not in fake.threads
    open_by_click(inside)
    open_by_click(inside)
    assert len(fake.asked) == 1, "what is there is not computed again"
    dock.reviewed.session.accept("f1")
    assert len(fake.asked) == 1


def test_only_the_latest_place_counts(after_run, findings, fake, qtbot):
    _, dock = after_run
    session, inside = dock.reviewed.session, dock.inside
    z = {id: round(findings[id].center[0], 3) for id in ("f1", "f2", "f3")}
    answers = []
    inside.answer.ready.connect(answers.append)
    session.select("f1")
    open_by_click(inside)
    qtbot.waitUntil(lambda: fake.asked == [("ag3d", z["f1"])])
    session.select("f2")
    session.select("f3")
    qtbot.waitUntil(lambda: fake.asked[1:] == [("ag3d", z["f3"])])
    assert fake.left == [z["f1"]], "it was left at its next step, and not for what was passed over"
    fake.go.set()
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert inside.inside.place[0] == pytest.approx(z["f3"])


def test_cancel_stops_and_leaves_a_sentence(after_run, fake, qtbot):
    _, dock = after_run
    inside = dock.inside
    dock.reviewed.session.select("f1")
    open_by_click(inside)
    qtbot.waitUntil(lambda: len(fake.asked) == 1)
    QTest.mouseClick(inside.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not inside.answer.busy)
    assert "Cancelled" in inside.message.text()
    assert len(fake.left) == 1
    assert not inside.groups.pictures
    fake.go.set()
    inside.network.setCurrentIndex(1)
    inside.network.activated.emit(1)
    qtbot.waitUntil(lambda: inside.inside is not None)
    assert fake.asked[-1][0] == "mtcnn"


def shown(dock, fake, qtbot, id: str = "f1"):
    fake.go.set()
    dock.reviewed.session.select(id)
    dock.inside.set_open(True)
    qtbot.waitUntil(lambda: dock.inside.inside is not None)
    return dock.inside


def test_maps_of_one_place_have_one_field_and_a_click_moves_the_view(after_run, findings, fake, qtbot):
    viewer, dock = after_run
    inside = shown(dock, fake, qtbot)
    picture, view = inside.groups.pictures
    place = np.array(findings["f1"].center)
    pixels = rgb(picture.pixmap().toImage())
    field = picture.field
    side = picture.width()
    at = field.to_square(place + [0, 0, 16])  # the middle of the one bright cell
    spot = ((at + 1) / 2 * side).astype(int)
    assert pixels[tuple(spot)].min() > 240
    assert pixels[tuple(((field.to_square(place + [0, 12, -8]) + 1) / 2 * side).astype(int))][
        0
    ] == pytest.approx(64, abs=4)
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(int(spot[1]), int(spot[0])))
    assert viewer.dims.point[2] == pytest.approx(place[2] + 16, abs=1.5)
    assert viewer.dims.point[0] == pytest.approx(place[0], abs=1.3)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(view.width() // 2, 2))
    assert viewer.dims.point[1] == pytest.approx(place[1] - 20, abs=1.5)


def test_a_chosen_proposal_moves_the_view(after_run, findings, fake, qtbot):
    viewer, dock = after_run
    inside = shown(dock, fake, qtbot)
    rows = [inside.proposals.list.item(i).text() for i in range(2)]
    assert rows[0].endswith("0.90 · Ø 6 mm · rpn 0.80 · kept")
    assert rows[1] == "● 0.40 · Ø 6 mm · rpn 0.50 · suppressed"
    assert "2 before suppression, 1 after" in inside.proposals.words.text()
    item = inside.proposals.list.item(0)
    where = inside.proposals.list.visualItemRect(item).center()
    QTest.mouseClick(inside.proposals.list.viewport(), Qt.MouseButton.LeftButton, pos=where)
    place = np.array(findings["f1"].center) + [11, -9, 8]
    assert np.allclose(viewer.dims.point, place, atol=1.6)


def test_a_missed_nodule_is_looked_into(after_run, findings, image, fake, qtbot):
    _, dock = after_run
    missed = Finding(Sphere(tuple(image.to_world((36, 15, 45))), 9.0), id="n1")
    dock.compare.set_truth(Truth(Findings((missed,), ImageReference.of(image))))
    inside = shown(dock, fake, qtbot)
    press(dock, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: inside.inside is not None and inside.inside.place == missed.center)
    assert inside.summary.text() == "Missed nodule, Ø 9.0 mm"
    QTest.mouseClick(inside.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: inside.inside is not None and inside.inside.place == findings["f1"].center)
    assert not inside.back.isVisibleTo(inside)


def test_a_network_that_fails_leaves_a_sentence(after_run, fake, qtbot):
    _, dock = after_run
    fake.error = PredictorError("this place lies outside the scan.")
    fake.go.set()
    dock.reviewed.session.select("f1")
    dock.inside.set_open(True)
    qtbot.waitUntil(lambda: dock.inside.message.property("role") == "warning")
    assert dock.inside.message.text() == "this place lies outside the scan."
    dock.reviewed.session.select(None)
    assert "Select a finding" in dock.inside.message.text()


def test_another_image_drops_what_was_computed(after_run, image, fake, qtbot):
    viewer, dock = after_run
    inside = shown(dock, fake, qtbot)
    film = Image(np.arange(30000, dtype=np.uint16).reshape(200, 150), "DX", (0.5, 0.5), (0, 0), "film")
    add_image_layer(viewer, film)
    assert inside.inside is None
    assert not inside.groups.pictures
    dock.reviewed.session.add(Finding(Box((10, 10), (20, 20)), id="b"))
    assert inside.message.text() == "No network at hand shows what it made of such an image."


def test_the_names_of_views_fit_below_their_picture():
    assert [short(name) for name in ("axial", "coronal–sagittal −45°")] == ["axial", "cor–sag −45°"]


def test_a_ball_is_drawn_as_large_as_the_plane_cuts_it():
    one = FeatureMap("m", np.zeros((9, 9, 9), np.float32), np.zeros(3), np.eye(3))
    field = Field.around(one, (4.0, 4.0, 4.0), 4.0)
    assert field.crossed(((1.0, 1.0, 1.0), (7.0, 7.0, 7.0))) == pytest.approx(1)
    assert field.crossed(((2.5, 1.5, 1.5), (7.5, 6.5, 6.5))) == pytest.approx(np.sqrt(1 - (1 / 2.5) ** 2))
    assert field.crossed(((8.0, 1.0, 1.0), (14.0, 7.0, 7.0))) == 0
