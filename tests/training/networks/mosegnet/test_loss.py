"""Losses against sums done by hand."""

import math

import pytest
import torch

from napari_lungmtl.training.networks.mosegnet.loss import (
    adaptive_weights,
    dice_loss,
    focal_loss,
    joint_loss,
    lesion_loss,
    lung_loss,
    weighted_cross_entropy,
)


def test_weights_of_equation_1():
    labels = torch.tensor([[[0, 0, 0], [0, 0, 1]]])
    torch.testing.assert_close(adaptive_weights(labels, 2, 1e9), torch.tensor([1 / 5, 5.0]))
    torch.testing.assert_close(adaptive_weights(labels, 2, 3.0), torch.tensor([1 / 5, 3.0]))


def test_a_batch_without_lesion_has_no_weights_in_equation_1():
    assert adaptive_weights(torch.zeros(2, 4, 4, dtype=torch.long), 2, 1e9).tolist() == [0, 0]


def test_equation_1_by_hand():
    p = torch.tensor([0.9, 0.6, 0.2])
    logits = torch.stack([torch.log(1 - p), torch.log(p)])[None, :, None]
    labels = torch.tensor([[[0, 1, 0]]])
    weights = adaptive_weights(labels, 2, 1e9)
    expected = -(0.5 * math.log(0.1) + 2.0 * math.log(0.6) + 0.5 * math.log(0.8)) / 3
    assert weighted_cross_entropy(logits, labels, weights).item() == pytest.approx(expected, rel=1e-5)
    assert lesion_loss(logits, labels, "cross_entropy", 1e9, 0, 0).item() == pytest.approx(expected, rel=1e-5)


def test_dice_by_hand():
    p = torch.tensor([[0.5, 1.0], [0.0, 0.0]])
    labels = torch.tensor([[[1, 1], [0, 0]]])
    both, sizes = 1.5, 1.5 + 2
    expected = 1 - (2 * both + 1) / (sizes + 1)
    assert dice_loss(torch.stack([1 - p, p])[None], labels).item() == pytest.approx(expected)


def test_focal_by_hand():
    p = torch.tensor([0.9, 0.6])
    logits = torch.stack([torch.log(1 - p), torch.log(p)])[None, :, None]
    labels = torch.tensor([[[1, 0]]])
    expected = -(0.75 * 0.1**2 * math.log(0.9) + 0.25 * 0.6**2 * math.log(0.4)) / 100
    assert focal_loss(logits, labels, 0.75, 2).item() == pytest.approx(expected, rel=1e-5)


def test_lungs_without_sides_are_judged_by_their_union():
    """All of the lungs' probability on the wrong side costs nothing where sides are unknown, and much where they are known."""
    right = torch.tensor([[[[-9.0]], [[9.0]], [[-9.0]]]])
    left = torch.tensor([[[2]]])
    wrong = lung_loss(right, left, torch.tensor([True]), "dice", 1.0)
    union = lung_loss(right, left, torch.tensor([False]), "dice", 1.0)
    assert union < 0.01
    assert wrong > 10


def test_sided_and_unsided_radiographs_count_by_their_number():
    logits, labels = torch.randn(3, 3, 4, 4), torch.randint(0, 3, (3, 4, 4))
    sides = torch.tensor([True, False, True])
    own = lung_loss(logits[sides], labels[sides], sides[sides], "cross_entropy", 1e9)
    union = lung_loss(logits[~sides], labels[~sides], sides[~sides], "cross_entropy", 1e9)
    together = lung_loss(logits, labels, sides, "cross_entropy", 1e9)
    torch.testing.assert_close(together, own * 2 / 3 + union / 3)


def test_balance():
    lesion, lung = torch.tensor(2.0), torch.tensor(10.0)
    assert joint_loss(lesion, lung, 0.99).item() == pytest.approx(2.08)
    assert joint_loss(lesion, lung, 1.0) == joint_loss(lesion, None, 0.5) == lesion


def test_nothing_known_costs_nothing_and_still_has_a_gradient():
    none = torch.zeros(0, 3, 4, 4, requires_grad=True)
    labels = torch.zeros(0, 4, 4, dtype=torch.long)
    loss = lesion_loss(none, labels, "focal_dice", 1, 0.5, 2)
    loss = loss + lung_loss(none, labels, torch.zeros(0, dtype=torch.bool), "dice", 1)
    loss.backward()
    assert loss.item() == 0


def test_uncertain_pixels_train_nothing():
    """What lies under them may be anything, and gets no gradient."""
    torch.manual_seed(0)
    logits = torch.randn(2, 2, 8, 8, requires_grad=True)
    labels = torch.zeros(2, 8, 8, dtype=torch.long)
    labels[0, 2:5, 2:5] = 1
    uncertain = torch.zeros(2, 8, 8, dtype=torch.bool)
    uncertain[0, 1:3, 1:6] = True
    other = torch.where(uncertain, 1 - labels, labels)
    losses = [
        lesion_loss(logits, wanted, "focal_dice", 1e5, 0.75, 2.0, uncertain) for wanted in (labels, other)
    ]
    losses[0].backward()
    assert not logits.grad.movedim(1, -1)[uncertain].any()
    assert logits.grad.movedim(1, -1)[~uncertain].any()
    # Fewer certain lesion pixels only change what the focal loss is divided by, which has a floor of 100 for each radiograph.
    torch.testing.assert_close(losses[0], losses[1])
