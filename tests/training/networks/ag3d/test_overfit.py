"""A tiny overfit run: the network, its losses and its decoding learn two patches by heart."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, SHIPPED_TRAINING
from napari_lungmtl.training.networks.ag3d.detect import detect
from napari_lungmtl.training.networks.ag3d.loss import classification_loss
from napari_lungmtl.training.networks.ag3d.network import Fprn
from napari_lungmtl.training.networks.ag3d.patches import Patch, collate
from napari_lungmtl.training.networks.ag3d.training import Training

SMALL = dataclasses.replace(SHIPPED, stem_channels=8, growth=6, bottleneck=2, pyramid_channels=8)
SHAPE = (16, 32, 32)
STEPS = 120
"""After 60, on cubes of 32, the sizes still depended on the number of threads."""


def patches():
    """Two patches with noise, a vessel each, and nodules of two sizes at known places."""
    rng = np.random.default_rng(3)
    found = []
    for truth in ([[7.0, 16, 17, 9]], [[9.0, 12, 10, 6], [8, 22, 24, 14]]):
        grid = np.indices(SHAPE)
        hu = rng.normal(-850, 30, SHAPE).astype(np.float32)
        hu[:, 3:6, 26:29] = 30
        for z, y, x, d in truth:
            hu[np.linalg.norm(grid - np.array([z, y, x])[:, None, None, None], axis=0) < d / 2] = 30
        found.append(Patch(hu, np.array(truth), np.zeros((0, 4))))
    return found


def test_overfit():
    torch.manual_seed(0)
    config = dataclasses.replace(SHIPPED_TRAINING, joint_from=0.0, t_last=20.0)
    module = Training(SMALL, config, Hardness(1))
    batch = collate(patches())
    optimizer = torch.optim.AdamW(module.net.parameters(), lr=4e-3)
    first = None
    for step in range(STEPS):
        module.progress = step / STEPS
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * (1 - 0.9 * module.progress)
        losses = module.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        first = first or total.item()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert total.item() < 0.25 * first
    found = detect(module.net.eval(), batch["hu"])
    for patch, detections in zip(patches(), found, strict=True):
        best = detections.spheres[: len(patch.truth)]
        for truth in patch.truth:
            distance = np.linalg.norm(best[:, :3] - truth[:3], axis=1)
            assert distance.min() < truth[3] / 2
            assert best[distance.argmin(), 3] == pytest.approx(truth[3], rel=0.35)


def test_a_magnified_classifier_learns():
    """The second branch alone, on maps that stay: to magnify whole cells costs too much for a whole network in a test."""
    torch.manual_seed(0)
    config = dataclasses.replace(SMALL, growth=4, pyramid_channels=8, magnify=True)
    fprn = Fprn(config)
    pyramid = [torch.randn(1, 8, 32 // stride, 32 // stride, 32 // stride) for stride in config.strides]
    places = torch.rand(8, 3) * 24 + 4
    proposals = torch.cat([places, torch.full((8, 1), 6.0), torch.zeros(8, 1)], 1)
    labels = torch.arange(8) % 2
    optimizer = torch.optim.AdamW(fprn.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        loss = classification_loss(fprn(pyramid, [proposals]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(p.grad is not None for p in fprn.parameters())
