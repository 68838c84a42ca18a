"""Eq. 3 by hand on a few anchors."""

import math

import pytest
import torch

from napari_lungmtl.training.networks.ag3d.loss import (
    adaptive_focal_loss,
    classification_loss,
    hard_example_loss,
    overlap_loss,
    regression_loss,
)


def test_equation_three_by_hand():
    p_negative, p_positive, t, alpha, gamma = [0.1, 0.3, 0.6], [0.8, 0.4], 7.0, 0.8, 5.0
    logits = torch.logit(torch.tensor([*p_negative, *p_positive, 0.99]))
    labels = torch.tensor([0, 0, 0, 1, 1, -1])
    true_negatives = 2  # 0.1 and 0.3
    focal = sum(-alpha * p**gamma * math.log(1 - p) for p in p_negative)
    expected = t * math.log(true_negatives) / true_negatives * focal - sum(map(math.log, p_positive)) / 2
    assert adaptive_focal_loss(logits, labels, t, alpha, gamma).item() == pytest.approx(expected, rel=1e-5)


def test_no_positives_and_no_negatives_are_finite():
    logits = torch.zeros(5, requires_grad=True)
    for labels in (
        torch.zeros(5, dtype=torch.long),
        torch.ones(5, dtype=torch.long),
        -torch.ones(5, dtype=torch.long),
    ):
        loss = adaptive_focal_loss(logits, labels, 1.0, 0.8, 5.0)
        assert torch.isfinite(loss)
    assert regression_loss(torch.zeros(0, 4), torch.zeros(0, 4)) == 0
    assert classification_loss(torch.zeros(3), -torch.ones(3)) == 0


def test_classes_weigh_the_same_in_the_classifier():
    logits = torch.tensor([2.0, -1.0, -1.0, -1.0])
    labels = torch.tensor([1, 0, 0, 0])
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    assert classification_loss(logits, labels).item() == pytest.approx(expected, rel=1e-5)


def test_ohem_takes_the_hardest_negatives_only():
    p_negative, p_positive = [0.9, 0.1, 0.7, 0.2], [0.8, 0.4]
    logits = torch.logit(torch.tensor([*p_negative, *p_positive, 0.99])).requires_grad_(True)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, -1])
    loss = hard_example_loss(logits, labels, 2)
    hardest = -(math.log(1 - 0.9) + math.log(1 - 0.7)) / 2
    positive = -(math.log(0.8) + math.log(0.4)) / 2
    assert loss.item() == pytest.approx((hardest + positive) / 2, rel=1e-5)
    loss.backward()
    assert (logits.grad != 0).tolist() == [True, False, True, False, True, True, False]
    assert hard_example_loss(logits, torch.full((7,), -1), 2).item() == 0


def test_overlap_draws_place_and_size_to_the_truth():
    truth = torch.tensor([[10.0, 10, 10, 20], [10, 10, 10, 20], [10, 10, 10, 20]])
    start = torch.tensor([[40.0, 10, 10, 20], [10, 12, 10, 8], [10, 10, 10, 20]], requires_grad=True)
    loss = overlap_loss(start, truth)
    loss.backward()
    assert start.grad[0, 0] > 0, "one that does not touch is drawn nearer"
    assert start.grad[1, 3] < 0, "one that lies inside grows"
    assert torch.isfinite(start.grad).all()
    assert overlap_loss(truth, truth).item() == pytest.approx(0, abs=1e-5)
    assert overlap_loss(truth[:0], truth[:0]) == 0
