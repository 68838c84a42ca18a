"""Many varied phantoms for training: ``python -m napari_lungmtl.training.data.phantoms.make_training --out DIR``."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from .anatomy import Anatomy
from .phantom import make_phantom
from .placement import PlacementError
from .spec import NoduleSpec, Phantom, PhantomSpec, Scanner, Texture

Z_LENGTH = 128.0  # mm; a sub-volume, so that tops and bottoms of lungs occur at every height of the cut


def draw_nodule(
    rng: np.random.Generator, diameter: float | None = None, texture: Texture | None = None
) -> NoduleSpec:
    """One nodule with the mix of LIDC: mostly 4–10 mm and solid, few large, few of ground glass.

    Parameters
    ----------
    diameter, texture
        Where they are given, only the rest is drawn.
    """
    if diameter is None:
        diameter = float(np.clip(3.0 + rng.gamma(1.6, 3.4), 3.0, 30.0))
    large = float(np.clip((diameter - 6) / 14, 0, 1))
    if texture is None:
        texture = rng.choice(
            ["solid", "part-solid", "ground-glass"],
            p=[0.82, 0.09, 0.09] if diameter > 5 else [0.96, 0, 0.04],
        )
    calcified = texture == "solid" and rng.random() < 0.12
    patterns = ["solid", "central", "laminated", "popcorn", "non-central"] if diameter > 6 else ["solid"]
    return NoduleSpec(
        diameter=diameter,
        texture=texture,
        lobulation=float(1 + 4 * rng.beta(1.0, 3.5 - 2 * large)),
        spiculation=1.0 if diameter < 6 else float(1 + 4 * rng.beta(0.8, 4 - 2.5 * large)),
        calcification=str(rng.choice(patterns)) if calcified else "absent",  # type: ignore[arg-type]
        margin=float(5 - 4 * rng.beta(1.2, 2.2)),
        sphericity=float(5 - 3.5 * rng.beta(1.5, 1.8)),
        place=rng.choice(["isolated", "juxtavascular", "juxtapleural"], p=[0.4, 0.28, 0.32]),
    )


def draw_spec(seed: int) -> PhantomSpec:
    """A varied request: which part, how many nodules (one case in five has none), which scanner."""
    rng = np.random.default_rng([seed, 21])
    anatomy = Anatomy.draw(np.random.default_rng(np.random.SeedSequence(seed).spawn(6)[0]))
    low, high = anatomy.z_range
    start = float(rng.uniform(low + 5, high - Z_LENGTH - 5))
    count = 0 if rng.random() < 0.2 else int(rng.integers(8, 16))
    return PhantomSpec(
        seed=seed,
        nodules=tuple(draw_nodule(rng) for _ in range(count)),
        z_range=(start, start + Z_LENGTH),
        field_of_view=(2 * anatomy.half_depth + 44, 2 * anatomy.half_width + 44),
        scanner=Scanner(
            noise=float(rng.uniform(12, 60)),
            sharpness=float(rng.beta(1.5, 1.5)),
            slice_thickness=float(rng.choice([1.0, 1.25, 1.8, 2.5, 2.5, 3.0])),
        ),
    )


def make(seed: int) -> Phantom:
    """The phantom of `draw_spec`; nodules that find no room are dropped one by one, the largest first."""
    spec = draw_spec(seed)
    while True:
        try:
            return make_phantom(spec)
        except PlacementError:
            largest = max(spec.nodules, key=lambda n: n.diameter)
            spec = replace(spec, nodules=tuple(n for n in spec.nodules if n is not largest))


def save(phantom: Phantom, path: Path) -> None:
    """Write `voxels` (uint8, 8 HU steps from -1024), `centers` (n, 3 voxel index), `diameters` and packed `lung`."""
    image = phantom.image
    voxels = np.clip(np.rint((image.voxels.astype(np.float32) + 1024) / 8), 0, 255).astype(np.uint8)
    centers = np.array([image.to_index(f.center) for f in phantom.truth]).reshape(-1, 3)
    np.savez_compressed(
        path,
        voxels=voxels,
        centers=centers.astype(np.float32),
        diameters=np.array([f.diameter for f in phantom.truth], np.float32),
        lung=np.packbits(phantom.lung_mask, axis=2),
        shape=np.array(voxels.shape),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for phantom_SEED.npz")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0, help="of the first phantom; the next ones count up")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seed, options.seed + options.count):
        start = time.perf_counter()
        phantom = make(seed)
        save(phantom, options.out / f"phantom_{seed:05d}.npz")
        print(f"{seed}: {len(phantom.truth)} nodules, {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
