"""Dual Head Augmentation (§3.2): the transforms Θ, and the ways φ_bin, φ_uni and φ_id to choose among them.

The paper's list is in a supplement that is not at hand; `ILLUMINATION` and `GEOMETRY` are ours. Positions are edge coordinates
scaled to −1…1, as `grid_sample` has them, so that one matrix moves pixels and boxes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from ...ops.boxes import window_corner
from .config import Augmentation

KEPT = 0.5
"""Share of a box that must still be on the film after a transform; less of a nodule is no nodule to learn from."""
NARROW = 4.0
"""Pixels: what is left of a box at the rim must be wider."""
Random = np.random.Generator


def equalise(pixels: Tensor, rng: Random) -> Tensor:
    """Histogram equalisation of what is not black, mixed with the radiograph by 0.3–1."""
    seen = pixels[pixels > 0]
    if not len(seen):
        return pixels
    cumulative = torch.cumsum(torch.histc(seen, 256, 0, 1), 0) / len(seen)
    flat = cumulative[(pixels.clamp(0, 1) * 255).long()]  # other steps may have left 0–1
    return pixels + float(rng.uniform(0.3, 1)) * (flat - pixels)


def brighten(pixels: Tensor, rng: Random) -> Tensor:
    """Add −0.15 to 0.15."""
    return pixels + float(rng.uniform(-0.15, 0.15))


def contrast(pixels: Tensor, rng: Random) -> Tensor:
    """Stretch about the mean by 0.7–1.3."""
    mean = pixels.mean()
    return (pixels - mean) * float(rng.uniform(0.7, 1.3)) + mean


def gamma(pixels: Tensor, rng: Random) -> Tensor:
    """Power of 0.67–1.5."""
    return pixels ** math.exp(rng.uniform(-0.4, 0.4))


def noise(pixels: Tensor, rng: Random) -> Tensor:
    """Gaussian noise of standard deviation 0.005–0.03."""
    sd = np.float32(rng.uniform(0.005, 0.03))
    return pixels + torch.from_numpy(sd * rng.standard_normal(tuple(pixels.shape), np.float32))


def blur(pixels: Tensor, rng: Random) -> Tensor:
    """Gaussian of 0.4–1.2 pixels."""
    return gaussian_blur(pixels[None], [7, 7], [float(rng.uniform(0.4, 1.2))])[0]


def sharpen(pixels: Tensor, rng: Random) -> Tensor:
    """Unsharp mask of 1 pixel, 0.3–1 of it."""
    return pixels + float(rng.uniform(0.3, 1)) * (pixels - gaussian_blur(pixels[None], [7, 7], [1.0])[0])


def flip(_: Random) -> np.ndarray:
    """Left and right."""
    return np.diag([-1.0, 1.0, 1.0])


def rotate(rng: Random) -> np.ndarray:
    """By −10° to 10° about the middle."""
    angle = math.radians(rng.uniform(-10, 10))
    turn = np.eye(3)
    turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return turn


def scale(rng: Random) -> np.ndarray:
    """By 0.85–1.18 about the middle."""
    factor = math.exp(rng.uniform(-0.165, 0.165))
    return np.diag([factor, factor, 1.0])


def translate(rng: Random) -> np.ndarray:
    """By up to 6 % of the side along both axes."""
    move = np.eye(3)
    move[:2, 2] = rng.uniform(-0.12, 0.12, 2)
    return move


def crop(rng: Random) -> np.ndarray:
    """A window of 80–100 % of the side, somewhere on the film, blown up to the whole."""
    fraction = rng.uniform(0.8, 1)
    middle = rng.uniform(-(1 - fraction), 1 - fraction, 2)
    window = np.diag([1 / fraction, 1 / fraction, 1.0])
    window[:2, 2] = -middle / fraction
    return window


ILLUMINATION: tuple[Callable[[Tensor, Random], Tensor], ...] = (
    equalise, brighten, contrast, gamma, noise, blur, sharpen,
)  # fmt: skip
GEOMETRY: tuple[Callable[[Random], np.ndarray], ...] = (flip, rotate, scale, translate, crop)
COUNT = len(ILLUMINATION) + len(GEOMETRY)
"""M of §3.2."""


def choose(strategy: Augmentation, probability: float, rng: Random) -> list[int]:
    """Positions of the transforms in Θ (illumination, then geometry) that a strategy takes.

    φ_bin takes each with a probability, φ_uni exactly one, φ_id none.
    """
    if strategy == "bin":
        return [int(i) for i in np.flatnonzero(rng.random(COUNT) < probability)]
    return [int(rng.integers(COUNT))] if strategy == "uni" else []


def augment(
    pixels: Tensor, boxes: Tensor, strategy: Augmentation, probability: float, rng: Random
) -> tuple[Tensor, Tensor]:
    """φ(x): a radiograph (side, side) and its boxes (n, 4) in edge coordinates, transformed. What is black stays black."""
    chosen = choose(strategy, probability, rng)
    pixels = pixels.clamp(0, 1)  # a pasted sham's noise reaches a little beyond
    black = pixels == 0
    for i in chosen:
        if i < len(ILLUMINATION):
            pixels = ILLUMINATION[i](pixels, rng).clamp(0, 1)
    if chosen:
        pixels = pixels.masked_fill(black, 0)
    matrices = [GEOMETRY[i - len(ILLUMINATION)](rng) for i in chosen if i >= len(ILLUMINATION)]
    return move(pixels, boxes, matrices) if matrices else (pixels, boxes)


def move(pixels: Tensor, boxes: Tensor, matrices: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Apply matrices (3, 3), the first one first, to a radiograph and its boxes; boxes that leave the radiograph are dropped."""
    total = np.eye(3)
    for matrix in matrices:
        total = matrix @ total
    theta = torch.from_numpy(np.linalg.inv(total)[:2]).float()[None]
    grid = F.affine_grid(theta, [1, 1, *pixels.shape], align_corners=False)
    moved = F.grid_sample(pixels[None, None], grid, mode="bilinear", align_corners=False)[0, 0]
    return moved, move_boxes(boxes, total, pixels.shape[-1])


def window(pixels: Tensor, boxes: Tensor, side: int, rng: Random) -> tuple[Tensor, Tensor]:
    """Cut a window (side, side) out of a radiograph, around one of its nodules or anywhere; boxes that leave it are dropped."""
    if pixels.shape[-1] <= side:
        return pixels, boxes
    x, y = window_corner(boxes.numpy(), pixels.shape[-1], side, rng)
    moved = boxes - boxes.new_tensor([x, y, x, y])
    return pixels[y : y + side, x : x + side].contiguous(), inside(moved, side)


def move_boxes(boxes: Tensor, matrix: np.ndarray, side: int) -> Tensor:
    """Boxes (n, 4) around the transformed ellipses that fill the given ones: nodules are round, so corners would only grow."""
    if not len(boxes):
        return boxes
    linear = torch.from_numpy(matrix[:2, :2]).to(boxes)
    shift = torch.from_numpy(matrix[:2, 2]).to(boxes)
    center = (boxes[:, :2] + boxes[:, 2:]) / side - 1
    half = (boxes[:, 2:] - boxes[:, :2]) / side
    center = center @ linear.T + shift
    half = torch.sqrt(half**2 @ (linear**2).T)
    return inside(torch.cat([center - half, center + half], 1).add(1).mul(side / 2), side)


def inside(moved: Tensor, side: int) -> Tensor:
    """Boxes (n, 4) cut off at the sides of a picture, without those of which too little is left."""
    clipped = moved.clamp(0, side)
    size, left = moved[:, 2:] - moved[:, :2], clipped[:, 2:] - clipped[:, :2]
    keep = (left.prod(1) >= KEPT * size.prod(1)) & (left > NARROW).all(1)
    return clipped[keep]
