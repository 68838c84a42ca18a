"""Do nodules that are put into radiographs stand out as far as real ones? Contrast of JSRT's by subtlety, and of pasted ones.

    python experiments/radiographs/contrast.py --prepared prepared_real

A nodule's contrast is the mean grey value (0–1, of the radiograph as networks see it) in the inner half of its box's sides, less
the mean in the ring between 1.3 and 1.9 times its sides.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.simulation.real_radiographs import RealRadiographs, resized
from napari_lungmtl.training.ops.masks import ellipses

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def contrast(pixels: np.ndarray, box: np.ndarray) -> float:
    """Mean of the inner half less that of the ring."""
    inner, near, far = (ellipses(resized(box[None], f), pixels.shape) for f in (0.5, 1.3, 1.9))
    return float(pixels[inner].mean() - pixels[far & ~near].mean())


def row(name: str, values: list[float]) -> str:
    """A line of the table."""
    return f"{name:28} {len(values):4}  " + "  ".join(f"{q:6.3f}" for q in np.quantile(values, QUANTILES))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=Path, required=True, help="folder of 'lungmtl simulate real'")
    parser.add_argument("--jsrt", type=Path, required=True, help="the folder of JSRT, for its subtleties")
    parser.add_argument("--draws", type=int, default=200)
    args = parser.parse_args()
    radiographs = RealRadiographs(args.prepared)
    store = radiographs.store
    subtlety = {case.name: case.subtlety for case in open_radiograph_cases(args.jsrt)}
    print(f"{'contrast':28} {'n':>4}  " + "  ".join(f"{q:6.0%}" for q in QUANTILES))
    real: dict[str, list[float]] = {}
    for box, number in zip(store.boxes, store.box_radiograph, strict=True):
        pixels = store.pixels[number].astype(np.float32) / 255
        known = subtlety.get(str(store.name[number]))
        kind = (
            f"JSRT, subtlety {known[0]:.0f}" if known is not None and len(known) else "NIH (generous boxes)"
        )
        real.setdefault(kind, []).append(contrast(pixels, box))
    for kind in sorted(real):
        print(row(kind, real[kind]))
    rng = np.random.default_rng(0)
    pasted, sizes = [], []
    for _ in range(args.draws):
        sample, _without = radiographs.with_and_without(int(rng.choice(radiographs.backgrounds)), rng)
        pasted += [contrast(sample.pixels, box) for box in sample.boxes]
        sizes += list(sample.diameter_mm)
    print(row("put into clear radiographs", pasted))
    print(row("their diameters, mm", sizes))
    print(row("JSRT's diameters, mm", list(store.box_mm[np.isfinite(store.box_mm)])))


if __name__ == "__main__":
    main()
