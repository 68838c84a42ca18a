"""How the detector does on nodules with a cavity: those of the test fold hollowed out, beside the same ones as they are.

Run: ``python experiments/ag3d/cavities.py --data ../shared/data/luna16_nodules --sheet sheet.png`` (``--weights A,B`` compares).
Each solid nodule of 6 mm and more gets `--draws` cavities, the same for all weights; whole cubes, also averaged to slices of
2.5 mm. The sheet has some of them in three planes, to be looked at. Cavities are made as in training, by other numbers: figures
say whether the detector learnt these, not how often it finds a patient's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageDraw

from napari_lungmtl.training.data.cavities import hollow_out
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, load_cubes, to_bytes, to_hu
from napari_lungmtl.training.inference.registry import load_predictor, weights_path
from napari_lungmtl.training.networks.ag3d.config import CAVITY_MM
from napari_lungmtl.training.networks.ag3d.patches import thick_slices
from napari_lungmtl.training.networks.ag3d.predictor import Ag3dPredictor
from napari_lungmtl.training.networks.ag3d.thorax import masks_of

BANDS = ((CAVITY_MM, 10.0), (10.0, 15.0), (15.0, 60.0))
SLICES = (1.0, 2.5)
THRESHOLD, BATCH = 0.5, 8


def hollowed_cubes(data: Path, folds: Sequence[str], draws: int) -> list[tuple[NoduleCube, np.ndarray]]:
    """Cubes of solid nodules and, for each of `draws` cavities, the cube's bytes with it."""
    cubes = [c for c in load_cubes(data, folds=folds) if float(c.row["diameter_mm"]) >= CAVITY_MM]
    masks = masks_of(cubes, data)
    assert masks is not None, f"{data} has no masks"
    made = []
    for cube, mask in zip(cubes, masks, strict=True):
        for draw in range(draws):
            rng = np.random.default_rng((int(cube.row["index"]), draw))
            hollowed = hollow_out(to_hu(cube.voxels), mask, rng)
            if hollowed is not None:
                made.append((cube, to_bytes(hollowed)))
    return made


def scores(predictor: Ag3dPredictor, cubes: Sequence[NoduleCube], slice_mm: float) -> np.ndarray:
    """Best score (n,) of a mark within the radius of the nodule in the middle; 0 where there is none."""
    best = []
    for start in range(0, len(cubes), BATCH):
        part = cubes[start : start + BATCH]
        hu = [to_hu(c.voxels) for c in part]
        if slice_mm > 1:
            hu = [thick_slices(h, slice_mm, slice_mm / 2) for h in hu]
        for cube, (spheres, score) in zip(part, predictor.detect_cubes(hu), strict=True):
            middle = (np.array(cube.voxels.shape) - 1) / 2
            nodule = cube.truth[np.linalg.norm(cube.truth[:, :3] - middle, axis=1).argmin()]
            hit = np.linalg.norm(spheres[:, :3] - nodule[:3], axis=1) < nodule[3] / 2
            best.append(score[hit].max(initial=0.0))
    return np.array(best)


def row(name: str, diameters: np.ndarray, best: np.ndarray) -> str:
    """A line of the table: sensitivity at the default for each band and for all."""
    parts = [diameters >= low for low, _ in BANDS]
    parts = [p & (diameters < high) for p, (_, high) in zip(parts, BANDS, strict=True)] + [diameters > 0]
    cells = [f"{np.mean(best[p] >= THRESHOLD):.3f} ({p.sum()})" if p.any() else "-" for p in parts]
    return f"{name:<44}" + "".join(f"{c:>14}" for c in cells)


def tile(voxels: np.ndarray, title: str) -> Picture.Image:
    """A cube in three planes."""
    z, y, x = (n // 2 for n in voxels.shape)
    hu = to_hu(np.concatenate([voxels[z], voxels[::-1, y], voxels[::-1, :, x]], 1))
    grey = np.clip((hu + 1100) / 1500 * 255, 0, 255).astype(np.uint8)
    picture = Picture.fromarray(grey).resize((450, 150), Picture.Resampling.BICUBIC)
    ImageDraw.Draw(picture).text((3, 3), title, fill=255)
    return picture


def sheet(made: Sequence[tuple[NoduleCube, np.ndarray]], count: int = 20) -> Picture.Image:
    """Nodules as they are at the left, hollowed out at the right."""
    chosen = [made[i] for i in np.linspace(0, len(made) - 1, min(count, len(made))).astype(int)]
    whole = Picture.new("L", (2 * 454, len(chosen) * 154))
    for n, (cube, voxels) in enumerate(chosen):
        for k, (shown, what) in enumerate(((cube.voxels, "as it is"), (voxels, "hollowed out"))):
            title = f"{what}, {float(cube.row['diameter_mm']):.1f} mm"
            whole.paste(tile(shown, title), (k * 454, n * 154))
    return whole


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--weights", default="", help="weights' files with commas; by default the shipped ones"
    )
    parser.add_argument("--folds", default="0")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    torch.set_num_threads(1)
    made = hollowed_cubes(a.data, a.folds.split(","), a.draws)
    if a.sheet:
        sheet(made).save(a.sheet)
    once = list({cube.row["index"]: cube for cube, _ in made}.values())
    hollow = [replace(cube, voxels=voxels) for cube, voxels in made]
    heads = [f"{low:g}-{high:g} mm" for low, high in BANDS] + ["all"]
    print(f"{'sensitivity at ' + str(THRESHOLD) + ' (nodules)':<44}" + "".join(f"{h:>14}" for h in heads))
    figures = {}
    for path in a.weights.split(","):
        predictor = load_predictor("ag3d", "cpu", Path(path) if path else weights_path("ag3d"))
        for slice_mm in SLICES:
            for name, cubes in (("as they are", once), ("hollowed out", hollow)):
                best = scores(predictor, cubes, slice_mm)
                title = f"{predictor.info.version} {name}, slices {slice_mm:g} mm"
                print(row(title, np.array([float(c.row["diameter_mm"]) for c in cubes]), best), flush=True)
                figures[f"{path} {title}"] = best.tolist()
    if a.json:
        a.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
