"""Eq. 1–3 and the generalised IoU against values worked out by hand."""

import math

import pytest
import torch

from napari_lungmtl.training.networks.dhn.loss import box_loss, classification_loss, global_loss, total_loss


def test_equation_2_by_hand():
    """p = 0.8 on a radiograph with a nodule and p = 0.3 on one without."""
    logits = torch.tensor([[math.log(0.2), math.log(0.8)], [math.log(0.7), math.log(0.3)]])
    expected = -(1.76 * math.log(0.8) + 0.69 * math.log(0.7)) / 2
    assert float(global_loss(logits, torch.tensor([True, False]), (1.76, 0.69))) == pytest.approx(expected)


def test_the_printed_weights_push_positives_down():
    even = torch.zeros(1, 2, requires_grad=True)
    global_loss(even, torch.tensor([True]), (0.69, 1.76)).backward()
    printed = even.grad.clone()
    even.grad = None
    global_loss(even, torch.tensor([True]), (1.76, 0.69)).backward()
    assert float(even.grad[0, 1]) == pytest.approx(1.76 / 0.69 * float(printed[0, 1]))


def test_generalised_iou_by_hand():
    """Two 10×10 boxes, 5 apart within a hull of 25×10: IoU 0, gIoU −5·10/250; and half overlapping: IoU 1/3, hull full."""
    apart = box_loss(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[15.0, 0, 25, 10]]), 1)
    assert float(apart) == pytest.approx(1 + 50 / 250)
    half = box_loss(torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[5.0, 0, 15, 10]]), 1)
    assert float(half) == pytest.approx(1 - 1 / 3)


def test_box_loss_is_shared_by_all_that_were_sampled_and_does_not_care_about_size():
    small = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[2.0, 0, 12, 10]])
    one = box_loss(*small, 1)
    assert float(box_loss(*small, 4)) == pytest.approx(float(one) / 4)
    assert float(box_loss(small[0] * 7, small[1] * 7, 1)) == pytest.approx(float(one))
    assert float(box_loss(torch.zeros(0, 4), torch.zeros(0, 4), 4)) == 0


def test_cross_entropy_of_proposals_by_hand():
    logits = torch.tensor([0.0, math.log(3)])
    expected = (math.log(2) - math.log(0.75)) / 2
    assert float(classification_loss(logits, torch.tensor([0, 1]))) == pytest.approx(expected)
    assert float(classification_loss(torch.zeros(0), torch.zeros(0))) == 0


def test_equation_3_with_equation_1():
    terms = {n: torch.tensor(v) for n, v in zip(("a", "b", "c", "d", "global"), (1.0, 2.0, 3.0, 4.0, 5.0))}
    assert float(total_loss(terms, (0.35, 2.5))) == pytest.approx(0.35 * 5 + 2.5 * 10)
