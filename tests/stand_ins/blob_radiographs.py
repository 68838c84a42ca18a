"""Toy radiographs: two bright ellipses for lungs, brighter discs in them for nodules."""

from dataclasses import dataclass

import numpy as np

from napari_lungmtl.training.data.public.radiographs import RadiographSample


def disc(side: int, y: float, x: float, ry: float, rx: float | None = None) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] + 0.5
    return ((rows - y) / ry) ** 2 + ((columns - x) / (rx or ry)) ** 2 <= 1


@dataclass
class ToyRadiographs:
    """Drawn radiographs of `side` pixels; every second one has a nodule in a lung and all have a disc outside them."""

    side: int = 64
    name: str = "toy radiographs"
    licence: str = "own"
    cases: tuple[str, ...] = ("toy-1", "toy-2")

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        s = self.side
        dy, dx = rng.uniform(-0.04, 0.04, 2) * s
        right = disc(s, 0.5 * s + dy, 0.27 * s + dx, 0.34 * s, 0.16 * s)
        left = disc(s, 0.5 * s + dy, 0.73 * s + dx, 0.34 * s, 0.16 * s)
        pixels = 0.6 - 0.35 * (right | left) + rng.normal(0, 0.03, (s, s))
        nodule, boxes = np.zeros((s, s), bool), np.zeros((0, 4), np.float32)
        if rng.random() < 0.5:
            x = (0.27 if rng.random() < 0.5 else 0.73) * s + dx
            y, r = rng.uniform(0.3, 0.7) * s + dy, 0.055 * s
            nodule, boxes = disc(s, y, x, r), np.array([[x - r, y - r, x + r, y + r]], np.float32)
        pixels = pixels + 0.3 * nodule + 0.3 * disc(s, rng.uniform(0.1, 0.9) * s, 0.5 * s + dx, 0.04 * s)
        return RadiographSample(
            np.clip(pixels, 0, 1).astype(np.float32), boxes, np.stack([right, left]), nodule, name="toy-1"
        )
