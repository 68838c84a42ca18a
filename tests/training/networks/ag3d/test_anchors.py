"""Anchors lie where the network's cells look, and every nodule gets one."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.networks.ag3d.anchors import anchor_grid, anchors_at, assign, decode, encode
from napari_lungmtl.training.networks.ag3d.config import Config

CONFIG = Config()
inside = st.floats(4, 60)
sphere = st.tuples(inside, inside, inside, st.floats(3, 32))


def test_order_and_place():
    anchors = anchor_grid(CONFIG, (64, 64, 64))
    assert anchors[0].tolist() == [1.5, 1.5, 1.5, 4, 0]
    assert anchors[1].tolist() == [1.5, 1.5, 1.5, 6, 0]
    assert anchors[2].tolist() == [1.5, 1.5, 5.5, 4, 0]  # x runs fastest
    assert anchors[-1].tolist() == [55.5, 55.5, 55.5, 24, 2]
    assert anchors[2 * 16**3].tolist() == [3.5, 3.5, 3.5, 8, 1]


@settings(deadline=None)
@given(st.lists(sphere, min_size=1, max_size=5))
def test_encoding_round_trip(values):
    spheres = torch.tensor(values)
    anchors = anchor_grid(CONFIG, (64, 64, 64))[: len(spheres)]
    close = torch.cat([spheres[:, :3], anchors[:, 3:4] * 1.3], 1)
    assert torch.allclose(decode(encode(close, anchors), anchors), close, atol=1e-3)


@settings(deadline=None)
@given(sphere)
def test_every_nodule_has_a_positive_anchor(value):
    anchors = anchor_grid(CONFIG, (64, 64, 64))
    labels, matched = assign(anchors, torch.tensor([value]), torch.zeros(0, 4), 0.5, 0.02)
    assert (labels == 1).any()
    assert (matched[labels == 1] == 0).all()
    # An anchor whose centre would be a hit is never pushed down as a negative.
    hit = torch.linalg.vector_norm(anchors[:, :3] - torch.tensor(value[:3]), dim=1) < value[3] / 2
    assert (labels[hit] != 0).all()


def test_left_out_findings_are_neither():
    anchors = anchor_grid(CONFIG, (64, 64, 64))
    labels, _ = assign(anchors, torch.zeros(0, 4), torch.tensor([[30.0, 30, 30, 10]]), 0.5, 0.02)
    at = torch.linalg.vector_norm(anchors[:, :3] - 30, dim=1) < 4
    assert (labels[at] == -1).all()
    assert (labels == 0).sum() > 0.8 * len(labels)


def test_anchors_need_three_levels():
    with pytest.raises(ValueError, match="3 strides"):
        Config(anchors=((4, 6),))
    with pytest.raises(ValueError, match="no anchor"):
        Config(anchors=((), (), ()))


def test_a_lesion_of_60_mm_is_near_an_anchor_of_32():
    """What the network has to stretch stays within what `decode` allows, with room."""
    config = Config(anchors=((4, 6), (8, 12), (16, 24, 32)))
    anchors = anchor_grid(config, (96, 96, 96))
    lesion = torch.tensor([[47.0, 50, 44, 60]])
    labels, _ = assign(anchors, lesion, torch.zeros(0, 4), 0.35, 0.02)
    nearest = anchors[labels == 1]
    assert (nearest[:, 3] == 32).all()
    assert torch.allclose(
        decode(encode(lesion.expand(len(nearest), 4), nearest), nearest)[:, 3], torch.tensor(60.0)
    )


@pytest.mark.parametrize("anchors", [CONFIG.anchors, ((4, 6, 8), (), (20,))])
def test_anchors_at_places_are_those_of_the_grid(anchors):
    config = dataclasses.replace(CONFIG, anchors=anchors)
    grid = anchor_grid(config, (48, 32, 64))
    index = torch.from_numpy(np.random.default_rng(0).permutation(len(grid)))
    assert torch.equal(anchors_at(config, (48, 32, 64), index), grid[index])
    assert anchors_at(config, (48, 32, 64), index[:0]).shape == (0, 5)
