"""Variations of a radiograph: the paper's (crop, orientation, brightness, Gaussian and Poisson noise), and what real radiographs
add.

Radiographs differ in more than the paper lists: gamma and processing, blur, build and posture, collimation, frames and lettering,
and lungs veiled by disease, whose outline stays where it was.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageDraw
from torch import Tensor
from torch.nn import functional

from .augmentation import Augmentation

LETTERS = ("L", "R", "AP", "PORTABLE", "UPRIGHT", "SUPINE", "L 12:40", "SITTING", "MOBILE")


def augment(
    pixels: np.ndarray, labels: np.ndarray, rng: np.random.Generator, how: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """A variation of a radiograph and its labels.

    Parameters
    ----------
    pixels
        float32 (h, w), 0–1.
    labels
        float32 (2 + n, h, w), 0 or 1: right lung, left lung (or both in the first), lesions.

    Returns
    -------
    tuple
        float32 (h, w) in 0–1, and bool (2 + n, h, w).
    """
    x = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))
    y = torch.from_numpy(np.ascontiguousarray(labels, np.float32))
    x, y = move(x, y, rng, how)
    x = photograph(x, y[:2].amax(0), rng, how)
    if rng.random() < how.frame:
        inside = frame(x.shape, rng)
        x = torch.where(inside, x, float(rng.random() < 0.3))
        y = y * inside
    if rng.random() < how.letters:
        x = lettered(x, rng)
    if rng.random() < how.mirror:
        x, y = x.flip(-1), torch.cat([y[:2].flip(0), y[2:]]).flip(-1)
    return x.numpy(), (y > 0.5).numpy()


def augment_unsided(
    pixels: np.ndarray, labels: np.ndarray, rng: np.random.Generator, how: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """`augment` for labels whose first channel is both lungs: they stay there when the radiograph is mirrored."""
    x, y = augment(pixels, labels, rng, how)
    return x, np.concatenate([y[:2].any(0, keepdims=True), np.zeros_like(y[:1]), y[2:]])


def move(x: Tensor, y: Tensor, rng: np.random.Generator, how: Augmentation) -> tuple[Tensor, Tensor]:
    """Turn, scale, shift and bend radiograph and labels alike; beside the radiograph comes black, or its edge drawn out."""
    angle = np.deg2rad(rng.normal(0, how.degrees))
    scale, aspect = np.exp(-rng.normal(0, how.zoom)), np.exp(rng.normal(0, how.aspect) / 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([scale * aspect, scale / aspect])
    theta = np.concatenate([matrix, rng.normal(0, 2 * how.shift, (2, 1))], 1)
    size = x.shape
    grid = functional.affine_grid(torch.from_numpy(theta[None]).float(), [1, 1, *size], align_corners=False)
    grid = grid + smooth(rng, size, 6, 2).mul(2 * how.bend).movedim(0, -1)
    beyond = "border" if rng.random() < 0.3 else "zeros"
    x = functional.grid_sample(x[None, None], grid, padding_mode=beyond, align_corners=False)[0, 0]
    y = functional.grid_sample(y[None], grid, align_corners=False)[0]
    return x, (y > 0.5).float()


def photograph(x: Tensor, lungs: Tensor, rng: np.random.Generator, how: Augmentation) -> Tensor:
    """Vary how the radiograph was taken and processed; `lungs` (h, w) is empty where unknown."""
    if rng.random() < how.veil:
        field = torch.sigmoid(smooth(rng, x.shape, int(rng.integers(3, 9)), 1)[0] * 3 - rng.uniform(0, 3))
        x = x + rng.uniform(0.05, 0.4) * field * softened(lungs, 8)
    if rng.random() < how.shade:
        x = x * (1 + 0.15 * smooth(rng, x.shape, 3, 1)[0])
    if rng.random() < how.sharpen:
        x = x + rng.uniform(0.2, 1.2) * (x - softened(x, int(2 ** rng.integers(1, 6))))
    black, white = rng.uniform(-how.window, how.window), 1 + rng.uniform(-how.window, how.window)
    x = ((x - black) / (white - black)).clamp(1e-4, 1) ** float(np.exp(rng.normal(0, how.gamma)))
    if rng.random() < how.blur:
        x = blurred(x, rng.uniform(0.4, 1.4))
    gauss, poisson = rng.uniform(0, how.noise, 2) ** 2 / max(how.noise, 1e-9)
    noise = torch.from_numpy(rng.standard_normal(tuple(x.shape), np.float32))
    return (x + noise * (gauss**2 + poisson**2 * x).sqrt()).clamp(0, 1)


def smooth(rng: np.random.Generator, size: torch.Size, coarse: int, channels: int) -> Tensor:
    """Smooth random fields (channels, h, w) of unit variance at their nodes: `coarse` nodes along a side."""
    nodes = torch.from_numpy(rng.standard_normal((1, channels, coarse, coarse), np.float32))
    # In two stages: bicubic only where it is cheap.
    middle = functional.interpolate(nodes, (64, 64), mode="bicubic", align_corners=True)
    return functional.interpolate(middle, tuple(size), mode="bilinear", align_corners=True)[0]


def softened(x: Tensor, factor: int) -> Tensor:
    """A cheap wide blur: means of blocks, interpolated."""
    small = functional.avg_pool2d(x[None, None], factor, ceil_mode=True)
    return functional.interpolate(small, tuple(x.shape), mode="bilinear", align_corners=False)[0, 0]


def blurred(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of up to about 1.5 pixels."""
    offsets = torch.arange(-3, 4, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum())[None, None]
    padded = functional.pad(x[None, None], (3, 3, 3, 3), mode="replicate")
    return functional.conv2d(functional.conv2d(padded, kernel[..., None]), kernel[..., None, :])[0, 0]


def frame(size: torch.Size, rng: np.random.Generator) -> Tensor:
    """Boolean (h, w): what a frame or collimator of up to 8 % at each side leaves."""
    inside = torch.zeros(size, dtype=torch.bool)
    (top, bottom), (left, right) = (rng.uniform(0, 0.08, 2) * rng.integers(0, 2, 2) * n for n in size)
    inside[int(top) : size[0] - int(bottom), int(left) : size[1] - int(right)] = True
    return inside


def lettered(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Up to three bright markers near the corners."""
    height, width = x.shape
    page = Picture.new("L", (width, height))
    draw = ImageDraw.Draw(page)
    for _ in range(rng.integers(1, 4)):
        corner = np.where(rng.random(2) < 0.5, rng.uniform(0, 0.15, 2), rng.uniform(0.8, 0.97, 2))
        position = float(corner[1] * width), float(corner[0] * height)
        size = rng.uniform(0.02, 0.06) * height
        draw.text(
            position, LETTERS[rng.integers(len(LETTERS))], fill=int(rng.integers(150, 256)), font_size=size
        )
    letters = torch.from_numpy(np.asarray(page, np.float32) / 255)
    return torch.maximum(x, letters)
