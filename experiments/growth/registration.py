"""How far from the truth the registration of the lungs is: whole scans, turned, shifted, breathed in otherwise, on other voxels.

    python experiments/growth/registration.py DATA/ct/whole LIDC-IDRI-0063

A prior is made of each scan by a known map, its values interpolated on another grid. Errors are distances (mm) at 300 places in the
lungs. Breath moves what lies at the diaphragm by so many mm towards the head, and less, by the square of the height, above it: no
affine map can undo all of that.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import map_coordinates

from napari_lungmtl.training.growth.registration import register
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.ct.lung_field import lung_field
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import finish

PLACES = 300


@dataclass(frozen=True)
class Move:
    """What is done to a patient: turned by degrees about x, y and z, shifted by mm (z, y, x), and breathed out by mm."""

    degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    breath: float = 0.0
    spacing: tuple[float, float, float] = (2.5, 1.5, 1.5)

    def to_present(self, points: np.ndarray, image: Image) -> np.ndarray:
        """Where places (n, 3) of the prior lie in the scan that it is made of."""
        low, high = image.extent
        middle = (low + high) / 2
        turned = (points - middle - np.asarray(self.shift)) @ self._rotation().T + middle
        height = np.clip((turned[..., 0] - low[0]) / (high[0] - low[0]), 0, 1)
        return turned - np.stack([self.breath * (1 - height) ** 2, 0 * height, 0 * height], axis=-1)

    def _rotation(self) -> np.ndarray:
        out = np.eye(3)
        for axis, angle in zip((2, 1, 0), np.deg2rad(self.degrees), strict=True):
            a, b = (other for other in range(3) if other != axis)
            one = np.eye(3)
            one[a, a] = one[b, b] = np.cos(angle)
            one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
            out = one @ out
        return out


MOVES = {
    "the same": Move(),
    "turned by 3, −2, 5°, shifted by 25, −12, 8 mm": Move((3, -2, 5), (25, -12, 8)),
    "turned by −6, 4, 10°, shifted by −60, 20, −30 mm, 5 mm slices": Move(
        (-6, 4, 10), (-60, 20, -30), 0, (5, 1.2, 1.2)
    ),
    "breathed out by 10 mm": Move((1, 1, -2), (10, 4, -5), 10),
    "breathed out by 20 mm": Move((1, 1, -2), (10, 4, -5), 20),
}


def prior_of(image: Image, move: Move) -> Image:
    """A scan of the moved patient, on a table that has moved along."""
    low = np.asarray(image.origin) + move.shift
    shape = (np.asarray(image.shape) * image.scale / move.spacing).astype(int)
    voxels = np.empty(shape, np.int16)
    rest = np.moveaxis(np.indices(shape[1:]), 0, -1)
    for z in range(shape[0]):
        index = np.concatenate([np.full((*shape[1:], 1), z), rest], axis=-1)
        there = image.to_index(move.to_present(low + index * move.spacing, image))
        voxels[z] = map_coordinates(image.voxels, np.moveaxis(there, -1, 0), order=1, cval=-1024)
    return Image(voxels, "CT", move.spacing, tuple(low))


def places_in_lungs(image: Image) -> np.ndarray:
    """World points (n, 3), the same ones at every call."""
    inside = np.argwhere(lung_field(image))
    return image.to_world(inside[np.random.default_rng(0).choice(len(inside), PLACES, replace=False)])


def row(image: Image, move: Move) -> Sequence[str]:
    """Errors and time of one registration."""
    prior = prior_of(image, move)
    began = time.process_time()
    found = finish(register(image, prior))
    seconds = time.process_time() - began
    there = places_in_lungs(prior)
    errors = np.linalg.norm(found.to_present(there) - move.to_present(there, image), axis=1)
    quantiles = (f"{np.quantile(errors, q):.1f}" for q in (0.5, 0.95, 1.0))
    return *quantiles, f"{found.overlap or 0:.2f}", f"{seconds:.1f}"


def main() -> None:
    """Register and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("scans", nargs="+")
    options = parser.parse_args()
    table = Table(title="Error of the registration in the lungs, mm")
    for column in ("scan", "prior", "median", "95 %", "largest", "overlap", "seconds of processor"):
        table.add_column(column)
    for name in options.scans:
        image = read_image(options.folder / f"{name}.nii.gz")
        for words, move in MOVES.items():
            table.add_row(name, words, *row(image, move))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
