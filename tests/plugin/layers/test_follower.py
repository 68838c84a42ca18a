"""What all layers that follow a session share: a new layer leaves the person's choice alone, and keeps its place."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Points

from napari_lungmtl.layers.follower import coalesced, insert_layer
from napari_lungmtl.layers.truth.layer import add_truth_layer
from napari_lungmtl.training.findings import Findings, ImageReference

from ..conftest import ball, chest


@pytest.fixture
def layers(viewer):
    """Two images."""
    for name in ("first", "second"):
        viewer.add_layer(Image(np.zeros((4, 5)), name=name))
    return viewer.layers


@pytest.mark.parametrize("chosen", [(), ("first",), ("first", "second")])
def test_the_layers_that_a_person_chose_stay_chosen(layers, chosen) -> None:
    layers.selection = {layers[name] for name in chosen}
    active = layers.selection.active
    insert_layer(layers, Points(ndim=2, name="new"))
    assert {layer.name for layer in layers.selection} == set(chosen)
    assert layers.selection.active is active


def test_a_layer_lies_on_top_or_where_it_belongs(layers) -> None:
    insert_layer(layers, Points(ndim=2, name="top"))
    insert_layer(layers, Points(ndim=2, name="between"), 1)
    assert [layer.name for layer in layers] == ["first", "between", "second", "top"]


def test_the_truth_leaves_the_choice_alone(viewer, layers) -> None:
    layers.selection.active = layers["first"]
    truth = Findings((ball(-180),), image=ImageReference.of(chest()))
    assert add_truth_layer(viewer, truth)[1] == 1
    assert layers.selection.active is layers["first"]
    assert layers[-1].name == "truth"


def test_calls_of_one_turn_of_the_event_loop_come_together(qtbot) -> None:
    calls = []
    timer = coalesced(lambda: calls.append(1))
    for _ in range(5):
        timer.start()
    assert not calls
    qtbot.waitUntil(lambda: calls == [1])
    qtbot.wait(20)
    assert calls == [1]
