"""A toy source: noise with Gaussian blobs for nodules."""

from dataclasses import dataclass

import numpy as np

from napari_lungmtl.training.data.public.radiographs import RadiographSample


@dataclass
class Blobs:
    """Radiographs (side, side) of noise; about half of them with one or two bright blobs."""

    side: int = 128
    known: bool = True
    sizes: tuple[float, float] = (12.0, 24.0)
    name: str = "blobs"
    licence: str = "own"
    cases: tuple[str, ...] = ("b1", "b0")

    def draw(self, rng: np.random.Generator) -> RadiographSample:
        """One radiograph."""
        side = self.side
        pixels = 0.4 + 0.05 * rng.standard_normal((side, side)).astype(np.float32)
        y, x = np.indices((side, side)) + 0.5
        boxes = []
        for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.7 else 0):
            size = rng.uniform(*self.sizes)
            cy, cx = rng.uniform(size, side - size, 2)
            pixels += 0.4 * np.exp(-(((y - cy) ** 2 + (x - cx) ** 2) / (size / 2) ** 2) * 1.5).astype(
                np.float32
            )
            boxes.append([cx - size / 2, cy - size / 2, cx + size / 2, cy + size / 2])
        return RadiographSample(
            np.clip(pixels, 0, 1),
            np.array(boxes, np.float32).reshape(-1, 4),
            nodule_known=self.known,
            name="b0",
        )
