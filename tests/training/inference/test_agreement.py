"""Boxes of two networks that mean one nodule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, Finding, Findings, Mask, Provenance, Sphere
from napari_lungmtl.training.inference.agreement import SAME_PLACE, Agreement, agreement, same_place

DHN, MOSEGNET = Provenance("dhn", "0.1"), Provenance("mosegnet", "0.1")
places = st.integers(0, 30)
boxes = st.builds(lambda y, x, h, w: Box((y, x), (y + h, x + w)), places, places, *(st.integers(1, 20),) * 2)
items = st.lists(
    st.builds(
        Finding,
        boxes,
        st.floats(0, 1),
        provenance=st.sampled_from([DHN, MOSEGNET, Provenance(person="me")]),
        status=st.sampled_from(["unreviewed", "accepted", "rejected"]),
    ),
    max_size=8,
)


def box(y, x, side=10.0, provenance=DHN, score=0.5, **fields):
    return Finding(Box((y, x), (y + side, x + side)), score, provenance=provenance, **fields)


def test_overlapping_boxes_of_two_networks_agree():
    a, b, alone = box(0, 0), box(0, 5, provenance=MOSEGNET), box(50, 50)
    found = agreement(Findings((a, b, alone)))
    assert found[a.id] == Agreement(b.id, pytest.approx(1 / 3))
    assert found[b.id].other == a.id
    assert found[alone.id] == Agreement(None, 0.0)


def test_a_small_mask_within_a_large_box_agrees():
    mask = np.ones((3, 3), bool)
    small = Finding(Mask.from_array(mask, (1, 1), (10, 10)), 0.9, provenance=MOSEGNET)
    large = box(0, 0, 20)
    found = agreement(Findings((large, small)))
    assert found[large.id].other == small.id
    assert found[large.id].iou == pytest.approx(9 / 400)


def test_one_to_one_by_score():
    """The surer box takes the partner that fits it best; what is left over is one-sided."""
    sure, unsure = box(0, 0, score=0.9), box(0, 1, score=0.8)
    other = box(0, 1, provenance=MOSEGNET, score=0.1)
    found = agreement(Findings((unsure, sure, other)))
    assert found[sure.id].other == other.id
    assert found[unsure.id].other is None


def test_who_takes_part():
    a, b = box(0, 0), box(0, 0, provenance=MOSEGNET)
    assert agreement(Findings((a, b)), visible_ids={a.id}) == {a.id: Agreement(None, 0.0)}
    assert agreement(Findings((a, b.with_(status="rejected")))) == {a.id: Agreement(None, 0.0)}
    drawn = box(0, 0, provenance=Provenance(person="me"))
    assert agreement(Findings((a, drawn))) == {}
    sphere = Finding(Sphere((0, 0, 0), 5), provenance=Provenance("ag3d"))
    assert agreement(Findings((sphere,))) == {}


def test_one_sided_needs_a_network_that_looked():
    a = box(0, 0)
    assert agreement(Findings((a,), models=({"name": "dhn"},))) == {}
    both = agreement(Findings((a,), models=({"name": "dhn"}, {"name": "mosegnet"})))
    assert both == {a.id: Agreement(None, 0.0)}


@given(items)
@settings(deadline=None)
def test_pairs_are_mutual_of_different_networks_and_near(found):
    findings = Findings(tuple(found))
    said = agreement(findings)
    for key, value in said.items():
        own = findings[key]
        assert own.status != "rejected"
        assert own.provenance.model
        if value.other is None:
            assert value.iou == 0
            continue
        other = findings[value.other]
        assert said[other.id] == Agreement(key, value.iou)
        assert other.provenance.model != own.provenance.model
        assert same_place(own.geometry, other.geometry)
    # Nobody is left alone beside a free partner.
    alone = [findings[key] for key, value in said.items() if value.other is None]
    for a in alone:
        for b in alone:
            assert a.provenance.model == b.provenance.model or not same_place(a.geometry, b.geometry)


@given(items, st.randoms())
@settings(deadline=None)
def test_order_of_the_list_is_of_no_account_without_ties(found, random):
    found = [f.with_(score=i / 10) for i, f in enumerate(found)]
    shuffled = random.sample(found, len(found))
    assert agreement(Findings(tuple(found))) == agreement(Findings(tuple(shuffled)))


@given(boxes, boxes)
@settings(deadline=None)
def test_the_overlap_counts_pixels(a, b):
    def drawn(box):
        picture = np.zeros((60, 60), bool)
        picture[int(box.low[0]) : int(box.high[0]), int(box.low[1]) : int(box.high[1])] = True
        return picture

    one, two = drawn(a), drawn(b)
    overlap = (one & two).sum() / (one | two).sum()
    first, second = Finding(a, 0.5, provenance=DHN), Finding(b, 0.4, provenance=MOSEGNET)
    found = agreement(Findings((first, second)))[first.id]
    assert same_place(a, b) == same_place(b, a) == (found.other == second.id)
    assert same_place(a, b) or overlap < SAME_PLACE + 1e-9
    if found.other:
        assert found.iou == pytest.approx(overlap)
