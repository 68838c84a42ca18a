"""Losses by hand (eqs. 1–5)."""

import pytest
import torch

from napari_lungmtl.training.networks.mtmr.loss import classification_loss, ranking_loss, regression_loss


def test_cross_entropy_leaves_the_ambiguous_out():
    logit = torch.tensor([2.0, -1.0, 50.0])
    hard = classification_loss(logit, torch.tensor([0.9, 0.2, 0.5]), soft=False)
    by_hand = (torch.log1p(torch.exp(torch.tensor(-2.0))) + torch.log1p(torch.exp(torch.tensor(-1.0)))) / 2
    assert hard.item() == pytest.approx(by_hand.item())
    assert classification_loss(logit[2:], torch.tensor([0.5]), soft=False).item() == 0


def test_soft_labels_are_least_at_the_readers_mean():
    target = torch.tensor([0.75])
    best = torch.logit(target)
    at = [classification_loss(best + d, target, soft=True).item() for d in (-0.3, 0.0, 0.3)]
    assert at[1] < min(at[0], at[2])


def test_regression_by_hand():
    predicted, truth = torch.full((2, 8), 0.5), torch.full((2, 8), 0.25)
    assert regression_loss(predicted, truth, "mse").item() == pytest.approx(8 * 0.0625)
    # Smooth L1 with beta 0.05: |e| − 0.025.
    assert regression_loss(predicted, truth, "smooth_l1").item() == pytest.approx(8 * 0.225)


def test_ranking_by_hand():
    score = torch.tensor([0.9, 0.8, 0.3, 0.5], requires_grad=True)
    # Pairs 0–1 and 2–3: right by 0.1 (no loss at the margin), wrong by 0.2 (0.1 + 0.2).
    truth = torch.tensor([0.8, 0.5, 0.9, 0.1])
    loss = ranking_loss(score, truth, 0.1)
    assert loss.item() == pytest.approx(0.3 / 4)
    loss.backward()
    assert score.grad[2] < 0 < score.grad[3]


def test_equal_nodules_are_not_ranked():
    score = torch.tensor([0.9, 0.1])
    assert ranking_loss(score, torch.tensor([0.5, 0.5]), 0.1).item() == 0
