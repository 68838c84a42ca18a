"""Both lungs of a patient with their trees, the same for every cut and spacing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import trees
from .anatomy import LEFT, RIGHT, Anatomy
from .grid import Grid


@dataclass(frozen=True)
class Lungs:
    """Both lungs on a fixed grid (4 mm), the same for every cut of one patient."""

    grid: Grid
    distance: tuple[np.ndarray, np.ndarray]
    arteries: tuple[trees.Tree, trees.Tree]
    veins: tuple[trees.Tree, trees.Tree]

    def at(self, points: np.ndarray) -> np.ndarray:
        """Distance to the pleura (mm, positive inside a lung) at points (n, 3)."""
        both = np.maximum(*self.distance)
        return ndimage.map_coordinates(both, self.grid.index(points).T, order=1, mode="nearest")


def draw_lungs(anatomy: Anatomy, rng: np.random.Generator) -> Lungs:
    z0, z1 = anatomy.z_range
    deep, wide = anatomy.half_depth + 12, anatomy.half_width + 12
    step = 4.0
    shape = (int((z1 - z0) / step) + 2, int(2 * deep / step) + 2, int(2 * wide / step) + 2)
    grid = Grid((z0, -deep, -wide), (step,) * 3, shape)
    axes = grid.axes()
    mediastinum = anatomy.mediastinum(axes)
    distances, arteries, veins = [], [], []
    for side in (RIGHT, LEFT):
        distance = anatomy.lung(axes, side, mediastinum)
        distances.append(distance.astype(np.float32))
        inside = np.argwhere(distance > 3.0)
        # About one end branch for 1.3 ml: the vessels that a CT shows, down to 0.5 mm.
        count = int(len(inside) * step**3 / 1300)

        def ends(n: int, inside: np.ndarray = inside) -> np.ndarray:
            chosen = rng.choice(len(inside), min(n, len(inside)), replace=False)
            return np.asarray(grid.start) + (inside[chosen] + rng.uniform(-0.5, 0.5, (len(chosen), 3))) * step

        heading = np.array([-0.3, 0.25, side * 0.9])
        hilum = np.array([-14.0, 8.0, -32.0]) if side == RIGHT else np.array([-8.0, 14.0, 38.0])
        arteries.append(trees.grow(hilum, heading, ends(count), rng.uniform(5.6, 7.2), rng))
        atrium = np.array([-34.0, 12.0, side * 26.0 + 4])
        veins.append(trees.grow(atrium, heading, ends(int(0.75 * count)), rng.uniform(5.2, 6.6), rng))
    return Lungs(grid, (distances[0], distances[1]), (arteries[0], arteries[1]), (veins[0], veins[1]))
