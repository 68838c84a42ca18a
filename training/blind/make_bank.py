"""Makes nodules to graft: ``python -m napari_lungmtl.training.blind.make_bank CUBES`` real ones, ``--phantoms`` those that ship.

Real ones are cut out of LUNA16's nodule cubes into the user's folder and stay there; `at_hand` takes them from then on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..data.errors import DatasetError
from ..data.public.luna16_nodules import load_cubes, load_masks
from ..error_boundary import sentence
from ..errors import LungmtlError
from .at_hand import SHIPPED, real_path
from .bank import SIZES, TEXTURES, Nodule, cut, save_bank
from .phantoms import make_nodules

FOLDS = ("1", "2", "3", "4")
"""Fold 0 is what the map is judged on: none of its nodules is ever grafted."""
EACH = 16
"""Nodules of each size and texture at most, of as many scans."""


def nodules_of(folder: Path, folds: tuple[str, ...] = FOLDS) -> list[Nodule]:
    """Cut the nodules of some folds out of a folder of LUNA16's cubes (``cubes.npz`` with masks, ``nodules.csv``, ``folds.csv``).

    Raises
    ------
    DatasetError
        The folder has no masks, or lacks a file.
    """
    masks = load_masks(folder)
    if masks is None:
        raise DatasetError(f"{folder / 'cubes.npz'} holds no masks of the nodules: they cannot be cut out.")
    found = (cut(cube, masks[int(cube.row["index"])]) for cube in load_cubes(folder, folds=folds))
    return [nodule for nodule in found if nodule is not None]


def choose(nodules: list[Nodule], each: int = EACH, seed: int = 0) -> list[Nodule]:
    """Choose some of each class by chance, no two of one scan in a class."""
    rng = np.random.default_rng(seed)
    chosen: list[Nodule] = []
    for size in SIZES:
        for texture in TEXTURES:
            kind = [n for n in nodules if (n.size, n.texture) == (size, texture)]
            by_scan = {kind[i].series: kind[i] for i in rng.permutation(len(kind))}
            chosen += list(by_scan.values())[:each]
    return chosen


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("cubes", type=Path, nargs="?", help="folder of LUNA16's nodule cubes")
    source.add_argument("--phantoms", action="store_true", help="make the nodules that ship")
    parser.add_argument("--out", type=Path, help="file to write (the user's, or the one that ships)")
    options = parser.parse_args()
    out = options.out or (SHIPPED if options.phantoms else real_path())
    try:
        nodules = make_nodules() if options.phantoms else choose(nodules_of(options.cubes, FOLDS), EACH)
        if not nodules:
            raise DatasetError(f"No nodule of {options.cubes} can be cut out: nothing was written.")
        out.parent.mkdir(parents=True, exist_ok=True)
        save_bank(out, nodules)
    except (LungmtlError, OSError) as error:
        parser.exit(1, f"{sentence(error, out)}\n")
    for size in SIZES:
        counts = {t: sum((n.size, n.texture) == (size, t) for n in nodules) for t in TEXTURES}
        print(f"{size}: " + ", ".join(f"{count} {texture}" for texture, count in counts.items()))
    print(f"{len(nodules)} nodules, {out.stat().st_size / 1024:.0f} KiB: {out}")


if __name__ == "__main__":
    main()
