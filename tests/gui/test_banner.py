"""The banner is never green over a radiograph that a network cannot judge, and it says why, also after the file is opened again."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Findings, ImageScore
from napari_lungmtl.training.findings.models import DOUBT
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import Progress

from ..stand_ins.nodule_cards import rgb
from ..stand_ins.reviewed_radiographs import (
    DHN,
    MOSEGNET,
    RadiographPredictor,
    radiograph,
    radiograph_networks,
)

TURNED = "film.png seems to be turned: turned by 180° it shows two lungs. Turn it upright and run again."


@dataclass
class Doubting(RadiographPredictor):
    """Finds no lungs, and says so."""

    doubt: str = TURNED

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress and the note; return nothing but the doubt."""
        findings = yield from super().run(image)
        if self.doubt:
            yield Progress(0.9, "looking whether it is turned", note=self.doubt)
        return replace(findings, models=({"name": "mosegnet", "version": "0.1", DOUBT: self.doubt},))


def low_score(_image: Image) -> Findings:
    """Two in a hundred: green, if the radiograph is one."""
    score = ImageScore("dhn", "0.1", 0.02, 0.5)
    return Findings(models=({"name": "dhn", "version": "0.1"},), image_scores=(score,))


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch) -> dict[str, RadiographPredictor]:
    """A network that suspects nothing, and one that sees the radiograph turned."""
    turned = Doubting(MOSEGNET, lambda image: Findings(), steps=20, delay=0.03)
    return radiograph_networks(monkeypatch, RadiographPredictor(DHN, low_score), turned)


def green(banner) -> bool:
    """Whether anything of the banner has the colour of what is accepted."""
    value = banner.colors.accepted.lstrip("#")
    color = np.array([int(value[i : i + 2], 16) for i in (0, 2, 4)])
    return bool((np.abs(rgb(banner).astype(int) - color).max(axis=-1) < 12).sum() > 20)


def test_a_turned_radiograph_gets_no_verdict_and_is_never_green(window, qtbot):
    _, dock = window
    banner, seen = dock.study_section.banner, []
    dock.reviewed.session.events.findings.connect(lambda _findings: seen.append(green(banner)))
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert len(seen) >= 2  # also while only the first network has spoken
    assert not any(seen)
    (verdict,) = banner.verdicts
    assert verdict.headline == "No verdict on this radiograph"
    assert "no nodule suspected" not in banner.accessibleDescription()
    assert dock.study_section._doubt.isVisible()
    assert dock.study_section._doubt.text() == TURNED


def test_the_doubt_is_there_after_the_file_is_opened_again(window, image, qtbot):
    viewer, dock = window
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    viewer.layers.remove(dock.reviewed.layer)
    assert not dock.study_section._doubt.isVisible()
    add_image_layer(viewer, image)
    assert dock.reviewed.session.findings.image_scores
    assert dock.study_section._doubt.text() == TURNED
    assert not green(dock.study_section.banner)


def test_an_upright_radiograph_is_green_once_all_networks_have_seen_it(window, predictor, qtbot):
    _, dock = window
    predictor["mosegnet"].doubt = ""
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    banner = dock.study_section.banner
    assert green(banner)
    assert "no nodule suspected" in banner.accessibleDescription()
    assert not dock.study_section._doubt.isVisible()


@pytest.mark.parametrize(
    ("metadata", "voided"), [({"view_position": "LL"}, True), ({"patient_orientation": "R\\F"}, False)]
)
def test_what_the_header_says_counts_too(window, metadata, voided):
    """A lateral view is not run on, but a file may hold what an older version said of it."""
    viewer, dock = window
    odd = replace(radiograph(), metadata=metadata, series_uid="odd")
    add_image_layer(viewer, odd)
    dock.reviewed.session.replace_findings(low_score(odd))
    (verdict,) = dock.study_section.banner.verdicts
    assert (verdict.headline == "No verdict on this radiograph") == voided
    assert "no nodule suspected" not in verdict.words
    assert not green(dock.study_section.banner)
    assert dock.study_section._doubt.isVisible()
