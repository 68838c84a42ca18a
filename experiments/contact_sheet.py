"""All radiographs of a folder on one sheet, with what both networks find: to be looked at.

Run: ``python experiments/contact_sheet.py --data NIH --out sheet.png``.
Lungs are outlined (right red, left green), DHN's boxes orange, MO-SegNet's yellow, each with its score; the title has the
name, DHN's probability of a nodule, and ``+`` where the labels say that there is one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiograph_files import read_radiograph
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.predictor import finish

SIDE = 320
COLOURS = {"dhn": (255, 140, 40), "mosegnet": (255, 235, 60)}
LUNGS = {"right lung": (230, 90, 90), "left lung": (90, 210, 110)}


def tile(case: RadiographCase, threshold: float) -> Picture.Image:
    """One radiograph with its overlays, `SIDE` pixels."""
    image = read_radiograph(case)
    findings = finish(choose(image).run(image))
    radiograph = make_radiograph_input(image)
    pixels = np.repeat((radiograph.pixels * 255)[..., None], 3, 2)
    for region in findings.regions:
        inside = np.zeros(radiograph.pixels.shape, bool)
        low = np.rint(radiograph.from_world(region.mask.origin) - 0.5).astype(int)
        mask = region.mask.to_array()
        inside[low[0] : low[0] + mask.shape[0], low[1] : low[1] + mask.shape[1]] = mask
        edge = inside ^ np.roll(inside, 2, 0) | inside ^ np.roll(inside, 2, 1)
        pixels[edge] = LUNGS.get(region.name, (120, 160, 255))
    picture = Picture.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for finding in findings:
        if finding.score >= threshold and finding.box is not None:
            mark(draw, radiograph, finding.box.low, finding.box.high, finding.score, finding.provenance.model)
    said = ", ".join(f"{s.probability:.2f}" for s in findings.image_scores)
    sign = "+" if case.positive else ""
    draw.rectangle((0, 0, 512, 22), fill=(0, 0, 0))
    draw.text((4, 2), f"{case.name[:16]} {sign} {said}", fill=(255, 255, 255), font_size=18)
    return picture.resize((SIDE, SIDE))


def mark(
    draw: ImageDraw.ImageDraw,
    radiograph: RadiographInput,
    low: tuple[float, float],
    high: tuple[float, float],
    score: float,
    model: str,
) -> None:
    """A box with its score."""
    (y0, x0), (y1, x1) = radiograph.from_world(low), radiograph.from_world(high)
    color = COLOURS.get(model, (200, 200, 200))
    grow = 3 if model == "dhn" else 0
    draw.rectangle((x0 - grow, y0 - grow, x1 + grow, y1 + grow), outline=color, width=2)
    draw.text((x1 + 5, y0 if model == "dhn" else y0 + 16), f"{score:.2f}"[1:], fill=color, font_size=16)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--threshold", type=float, default=0.5)
    options = parser.parse_args()
    tiles = [tile(case, options.threshold) for case in open_radiograph_cases(options.data)]
    rows = -(-len(tiles) // options.columns)
    sheet = Picture.new("RGB", (options.columns * SIDE, rows * SIDE))
    for i, picture in enumerate(tiles):
        sheet.paste(picture, ((i % options.columns) * SIDE, (i // options.columns) * SIDE))
    sheet.save(options.out)


if __name__ == "__main__":
    main()
