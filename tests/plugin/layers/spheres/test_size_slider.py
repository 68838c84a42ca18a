"""napari's slider *point size* over the spheres."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel

from napari_lungmtl.layers.spheres.layer import SphereBinding, add_image_layer
from napari_lungmtl.session.session import Session


@pytest.fixture
def binding(viewer: ViewerModel, session: Session) -> SphereBinding:
    add_image_layer(viewer, session.image)
    return SphereBinding(viewer, session)


def test_napari_s_size_slider_is_in_mm_and_its_turns_are_one_step(binding, qtbot) -> None:
    first = binding.session.visible[0]
    binding.layer.selected_data = {0}
    assert binding.layer.current_size == first.diameter  # what the slider shows
    for millimetres in (11, 12):
        binding.layer.current_size = millimetres
        assert binding.session.findings[first.id] == first
        assert binding.present()[0].diameter == millimetres
    qtbot.waitUntil(lambda: binding.session.findings[first.id].diameter == 12)
    assert binding.layer.size[0] * binding.layer.scale[-1] == pytest.approx(12)
    binding.session.undo()
    assert binding.session.findings[first.id] == first
    assert binding.layer.current_size == first.diameter


def test_napari_s_size_slider_goes_no_further_than_the_handle(binding) -> None:
    first = binding.session.visible[0]
    binding.session.select(first.id)
    binding.layer.current_size = 4860
    binding.close()  # what was just resized is kept
    assert binding.session.findings[first.id].diameter == 150


def test_what_changed_while_the_slider_was_turned_is_not_resized(binding, qtbot) -> None:
    first = binding.session.visible[0]
    binding.session.select(first.id)
    binding.layer.current_size = 30
    binding.session.reject(first.id)
    qtbot.wait(350)
    assert binding.session.findings[first.id].diameter == first.diameter
    assert binding.present()[0].diameter == first.diameter
