"""Every mark of a whole-scan evaluation in three planes, sheet by scan: to be looked at.

Run: ``lungmtl evaluate ag3d --data ct/whole --json marks.json``, then
``python experiments/mark_sheet.py --data ct/whole --marks marks.json --out sheets``.
Each mark has 64 mm around it: axial, coronal, sagittal, at 1 mm. The title has what it is (lesion, other …), the rough region,
score and diameter. Others come first, the surest of them at the top.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from napari_lungmtl.training.imaging import read_image, resample
from napari_lungmtl.training.imaging.image import Image

HALF, ZOOM, TITLE, COLUMNS = 32, 3, 18, 2
LOW_HU, HIGH_HU = -1100.0, 400.0


def planes(image: Image, center: Sequence[float]) -> list[np.ndarray]:
    """Cut 64 mm around a voxel: axial, coronal and sagittal, head up."""
    z, y, x = (round(float(c)) + HALF for c in center)
    near = [slice(c - HALF, c + HALF) for c in (z, y, x)]
    padded = np.pad(image.voxels, HALF, mode="edge")
    return [padded[z, near[1], near[2]], padded[near[0], y, near[2]][::-1], padded[near[0], near[1], x][::-1]]


def tile(image: Image, mark: dict[str, Any]) -> Picture.Image:
    """One mark in three planes with its circle and title."""
    side = 2 * HALF * ZOOM
    picture = Picture.new("RGB", (3 * side, side + TITLE))
    draw = ImageDraw.Draw(picture)
    reach = mark["diameter_mm"] / 2 * ZOOM
    for k, plane in enumerate(planes(image, image.to_index(mark["center_zyx_mm"]))):
        grey = np.clip((plane - LOW_HU) / (HIGH_HU - LOW_HU) * 255, 0, 255).astype(np.uint8)
        picture.paste(
            Picture.fromarray(grey).resize((side, side), Picture.Resampling.BICUBIC), (k * side, TITLE)
        )
        x, y = k * side + side / 2, TITLE + side / 2
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=(255, 220, 0))
    said = f"{mark['kind']}, {mark['region']}, score {mark['score']:.4f}, {mark['diameter_mm']:.1f} mm"
    draw.text((4, 2), said, fill=(255, 255, 255))
    return picture


def sheet(tiles: Sequence[Picture.Image]) -> Picture.Image:
    """Tiles side by side."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // COLUMNS)
    whole = Picture.new("RGB", (COLUMNS * (width + 6), rows * (height + 6)))
    for n, one in enumerate(tiles):
        whole.paste(one, (n % COLUMNS * (width + 6), n // COLUMNS * (height + 6)))
    return whole


def main() -> None:
    """What the command line runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of whole scans")
    parser.add_argument("--marks", type=Path, required=True, help="JSON of lungmtl evaluate ag3d")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threshold", type=float, default=0.5)
    a = parser.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    marks = [m for m in json.loads(a.marks.read_text("utf-8"))["marks"] if m["score"] >= a.threshold]
    marks.sort(key=lambda m: (m["kind"] != "other", -m["score"]))
    for name in dict.fromkeys(m["scan"] for m in marks):
        image = resample(read_image(next(a.data.glob(f"{name}.*"))), (1.0, 1.0, 1.0))
        path = a.out / f"{name}.png"
        sheet([tile(image, m) for m in marks if m["scan"] == name]).save(path)
        print(path)


if __name__ == "__main__":
    main()
