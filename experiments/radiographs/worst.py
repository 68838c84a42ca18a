"""The radiographs that a network does worst on, on one sheet, with truth and marks: to be looked at.

    python experiments/radiographs/worst.py --data jsrt --found runs/dhn_fold*/jsrt.json --out /tmp/dhn_worst.png

Truth is green, marks are orange with their scores, those below the threshold thin and without number. Worst are radiographs where
a false mark stands furthest above the surest hit, and clear ones with the surest marks; the names go to standard output with both
scores. JSRT's pictures must stay out of the repository.
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
from napari_lungmtl.training.evaluation.radiograph_predictions import read_predictions
from napari_lungmtl.training.imaging.radiograph.network_input import make_radiograph_input
from napari_lungmtl.training.metrics.radiograph.statistics import RadiographResult

SIDE = 400
TRUTH, MARK = (90, 230, 110), (255, 150, 40)


def scores(result: RadiographResult) -> tuple[float, float]:
    """The surest hit of a nodule that is hit least surely, and the surest false mark; 0 where there is none."""
    matching = result.center_matching()
    best = [matching.score[m] if m >= 0 else 0.0 for m in matching.nodule_mark]
    return min(best, default=0.0), float(matching.score[matching.false_positive].max(initial=0.0))


def tile(case: RadiographCase, result: RadiographResult, threshold: float) -> Picture.Image:
    """One radiograph with its truth and marks, `SIDE` pixels."""
    radiograph = make_radiograph_input(read_radiograph(case))
    side = radiograph.pixels.shape[0]
    picture = Picture.fromarray(np.repeat((radiograph.pixels * 255).astype(np.uint8)[..., None], 3, 2))
    draw = ImageDraw.Draw(picture)
    offset = np.tile(np.array(radiograph.offset)[::-1], 2)
    for box in result.truth if result.truth is not None else ():
        draw.rectangle(tuple(box * radiograph.scale + offset), outline=TRUTH, width=2)
    for box, score in zip(result.boxes, result.scores, strict=True):
        if score < threshold / 3:
            continue
        x0, y0, x1, y1 = box * radiograph.scale + offset
        draw.rectangle((x0, y0, x1, y1), outline=MARK, width=2 if score >= threshold else 1)
        if score >= threshold:
            draw.text((x1 + 3, y0), f"{score:.2f}"[1:], fill=MARK, font_size=16)
    subtlety = f" subtlety {result.subtlety[0]:.0f}" if len(result.subtlety) else ""
    draw.rectangle((0, 0, side, 22), fill=(0, 0, 0))
    draw.text((4, 2), f"{case.name}{subtlety} {result.score:.2f}", fill=(255, 255, 255), font_size=18)
    return picture.resize((SIDE, SIDE))


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--found", type=Path, nargs="+", required=True, help="of lungmtl evaluate --json")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--threshold", type=float, default=0.5)
    args = parser.parse_args()
    cases = open_radiograph_cases(args.data)
    by_name = {case.name: case for case in cases}
    results = read_predictions(args.found, cases)
    results.sort(key=lambda r: scores(r)[0] - scores(r)[1])
    rows = -(-min(args.count, len(results)) // args.columns)
    sheet = Picture.new("RGB", (args.columns * SIDE, rows * SIDE))
    for i, result in enumerate(results[: args.count]):
        hit, false = scores(result)
        print(f"{result.name}: surest hit {hit:.2f}, surest false mark {false:.2f}")
        place = (i % args.columns) * SIDE, (i // args.columns) * SIDE
        sheet.paste(tile(by_name[result.name], result, args.threshold), place)
    sheet.save(args.out)


if __name__ == "__main__":
    main()
