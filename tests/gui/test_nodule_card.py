"""The nodule card: what it says about the selected finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_lungmtl.layers.malignancy_colors import malignancy_color
from napari_lungmtl.panel.nodule import closeups
from napari_lungmtl.panel.nodule.section import notes_of
from napari_lungmtl.panel.widgets.theme import palette
from napari_lungmtl.training.findings import Change, Finding, Provenance, Sphere
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.nodule_cards import MTCNN, MTMR, balls, closeup, is_color, judged, rgb, shown


def test_without_a_selection_there_is_one_sentence(window):
    card, session = shown(window, balls({}), judged((-150.0, 40.0, 0.0)), select=None)
    visible = [w for w in card.content.children() if isinstance(w, QWidget) and w.isVisibleTo(card)]
    assert [w.text() for w in visible] == ["Select a finding to see it from near."]
    session.select(session.findings[0].id)
    assert not card._empty.isVisibleTo(card)
    assert card.closeups.isVisibleTo(card)


def test_malignancy_attributes_and_notes_are_drawn_and_said(window):
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0)))
    rows = card.scores
    assert [(r.name, r.text) for r in rows.rows] == [
        ("Malignancy", "0.70 ± 0.15"),
        ("MTMR-Net", "0.80 ± 0.10"),
        ("MT-CNN", "0.60 ± 0.20"),
    ]
    pixels, colors = rgb(rows), palette("dark")

    def at(row: int, p: float, dy: float = 0.0) -> np.ndarray:
        scale = rows.scale(row)
        return pixels[int(scale.center().y() + dy), int(scale.left() + p * scale.width())]

    for p in (0.1, 0.5, 0.68):
        assert is_color(at(0, p, 2), malignancy_color(0.7))
    for p in (0.73, 0.95):
        assert is_color(at(0, p, 2), colors.line)
    for p in (0.6, 0.7, 0.8):  # the whisker
        assert is_color(at(0, p), colors.text, 60)
    assert is_color(at(1, 0.8), malignancy_color(0.8))
    assert is_color(at(2, 0.6), malignancy_color(0.6))
    bars, colors = card.bars, palette("dark")
    assert len(bars.shown()) == 8
    pixels = rgb(bars)
    for number, (scale, value) in enumerate(bars.shown()):
        if scale.nominal:
            continue
        bar = bars.bar(number)
        y = int(bar.top() + 1.5)  # above the whisker
        for fraction in (0.06, 0.3, 0.45, 0.55, 0.7, 0.93):
            if abs(fraction - scale.fraction(value)) < 0.03 or (scale.name == "margin" and fraction < 0.45):
                continue
            wanted = colors.accent if fraction < scale.fraction(value) else colors.line
            assert is_color(pixels[y, int(bar.left() + fraction * bar.width())], wanted), (scale, fraction)
    margin = next(i for i, (scale, _) in enumerate(bars.shown()) if scale.name == "margin")
    y, bar = int(bars.bar(margin).center().y()), bars.bar(margin)
    assert is_color(
        pixels[y, int(bar.left() + 0.33 * bar.width())], colors.text, 90
    )  # 2.0 ± 0.5: 0.125 to 0.375
    assert is_color(pixels[y, int(bar.left() + 0.45 * bar.width())], colors.line)
    described = bars.accessibleDescription()
    assert "Internal structure soft tissue" in described
    assert "Calcification absent" in described
    both = replace(MTCNN, notes=("Padded at the edge of the scan.", "Larger than 30 mm."))
    assert notes_of((MTMR, both)) == ["Padded at the edge of the scan.", "MT-CNN: Larger than 30 mm."]
    assert card.notes.isVisibleTo(card)
    assert card.notes.property("role") == "warning"
    assert card.notes.text() == "⚠ MTMR-Net: Padded at the edge of the scan."


def test_readers_are_told_in_words_and_as_a_divided_bar_and_what_is_no_nodule_first(window):
    votes = {"malignancy": (0.1, 0.1, 0.3, 0.3, 0.2), "margin": (0.25, 0.5, 0.25, 0, 0)}
    at = (-150.0, 40.0, 0.0)
    nodule = judged(at, votes=votes)
    other = judged(at, votes=votes, unlike=0.93)
    card, session = shown(window, balls({}), nodule, other)
    assert card.verdict.text() == "Of four readers two would call it suspicious, one benign, one neither."
    assert [(r.name, r.text) for r in card.scores.rows[:2]] == [
        ("Malignancy", "0.70"),
        ("Readers, 1–5", "3.4 ± 1.2"),
    ]
    scale, pixels = card.scores.scale(1), rgb(card.scores)
    for share, color in ((0.05, 0.0), (0.15, 0.25), (0.35, 0.5), (0.65, 0.75), (0.9, 1.0)):
        x = int(scale.left() + share * scale.width())
        assert is_color(pixels[int(scale.center().y() + 2), x], malignancy_color(color))
    margin = next(i for i, (scale, _) in enumerate(card.bars.shown()) if scale.name == "margin")
    bar, painted = card.bars.bar(margin), rgb(card.bars)
    assert is_color(
        painted[int(bar.center().y()), int(bar.left() + 0.12 * bar.width())], palette("dark").text, 90
    )
    session.select(other.id)
    assert card.verdict.text().startswith("Unlike a nodule (probability 0.93)")
    assert card.scores.rows[0].name == "If a nodule"
    assert not any(row.main for row in card.scores.rows)
    assert card.summary.text() == "Ø 12.0 mm · unlike a nodule"


def test_what_nobody_judged_is_offered_for_characterisation(window, qtbot):
    _, dock = window
    card, _ = shown(window, balls({}), Finding(Sphere((-150.0, 40.0, 0.0), 8.0), id="mine"))
    for widget in (card.scores, card.bars, card.details, card.notes):
        assert not widget.isVisibleTo(card)
    assert card.closeups.isVisibleTo(card)
    dock._scroll.ensureWidgetVisible(card.button)
    with qtbot.waitSignal(card.characterise) as asked:
        QTest.mouseClick(card.button, Qt.MouseButton.LeftButton)
    assert asked.args == ["mine"]


def test_a_resized_sphere_says_why_it_has_no_malignancy_and_fits_the_dock(window):
    provenance = Provenance("fake", "1.0", "Ann")
    history = (Change("found", "", "fake 1.0", ""), Change("diameter", "13.7", "Ann", ""))
    sphere = Sphere((-150.0, 40.0, 0.0), 13.7)
    card, _ = shown(window, balls({}), Finding(sphere, id="mine", provenance=provenance, history=history))
    assert card._missing.text() == "Not characterised since it was resized."
    assert card.minimumSizeHint().width() <= 365  # 380 less the scroll bar


def test_the_card_follows_edits_undo_and_the_selection(window):
    first, second = judged((-150.0, 40.0, 0.0), id="a"), judged((-140.0, 45.0, 9.0), malignancy=0.1, id="b")
    card, session = shown(window, balls({(0, 0, 6): 5.0}), first, second)
    before = closeup(card, 0)
    moved = Sphere((-150.0, 40.0, 6.0), 12.0)
    session.change("a", geometry=moved, malignancy=None, malignancy_spread=None, attributes={}, opinions=())
    assert card.button.isVisibleTo(card)
    assert not card.scores.isVisibleTo(card)
    assert np.abs(closeup(card, 0) - before).max() > 100
    session.undo()
    assert card.scores.isVisibleTo(card)
    np.testing.assert_array_equal(closeup(card, 0), before)
    session.select("b")
    assert card.scores.rows[0].text == "0.10 ± 0.15"
    assert card.summary.text() == "Ø 12.0 mm · malignancy 0.10"
    session.remove("b")
    assert card._empty.isVisibleTo(card)


def test_a_folded_card_catches_up_when_it_is_opened(window):
    card, session = shown(
        window,
        balls({}),
        judged((-150.0, 40.0, 0.0), id="a"),
        judged((-140.0, 40.0, 0.0), id="b", malignancy=0.2),
    )
    card.set_open(False)
    session.select("b")
    assert card.summary.text().endswith("0.20")
    assert card.scores.rows[0].text == "0.70 ± 0.15"
    card.set_open(True)
    assert card.scores.rows[0].text == "0.20 ± 0.15"


def test_a_finding_outside_the_volume_is_said_to_be_there(window):
    outside = [judged((-500.0, 40.0, 0.0), id="above"), judged((-150.0, 4000.0, 0.0), id="behind")]
    card, session = shown(window, balls({}), *outside, select=None)
    for finding in outside:
        session.select(None)
        session.select(finding.id)
        assert "The centre of this finding lies outside the image." in card.notes.text()
        assert closeup(card, 0)[30, 30].tolist() == [0] * 3
        assert card.scores.isVisibleTo(card)


def test_a_sphere_on_a_radiograph_is_no_reason_to_fail(window):
    image = Image(np.zeros((50, 50), np.float32), "DX", None, (), series_uid="dx")
    card, _ = shown(window, image, judged((-150.0, 40.0, 0.0)))
    assert not card.closeups.isVisibleTo(card)
    assert card.scores.isVisibleTo(card)


def test_it_fits_the_dock_and_its_colours_follow_the_theme(window, qtbot):
    card, _ = shown(window, balls({}), judged((-150.0, 40.0, 0.0)))
    card.details.button.click()
    assert card.minimumSizeHint().width() <= 365  # 380 less the scroll bar
    qtbot.waitUntil(lambda: card.closeups.pictures[2].isVisible())
    assert 3 * closeups.SIDES[0] + 2 * 4 <= 345
    for name in card.bars.shown():
        words = card.bars.widest((name[0].low,)) + card.bars.widest((name[0].high,))
        assert words < 1.12 * card.bars.cell(0).width()  # measured in bold, drawn in regular type
    viewer, _ = window
    viewer.theme = "light"
    bar = card.bars.bar(0)
    pixel = rgb(card.bars)[int(bar.top() + 1.5), int(bar.left() + bar.width() / 2)]
    assert is_color(pixel, palette("light").accent)
