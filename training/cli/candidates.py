"""``lungmtl candidates``: a detector's marks on nodule cubes that it never saw, for training false-positive reduction."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Failed, explained, output_file, progress, write_json


def candidates(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder in the layout of luna16_nodules.")],
    folds: Annotated[
        str,
        typer.Option(metavar="LIST", help="Folds of folds.csv that the detector never saw, such as '1,2'."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", callback=output_file, help="The csv to write.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The detector (.safetensors, card beside it); default: the shipped."
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu or cuda:N.")] = "auto",
    floor: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE", help="Lowest score of a mark; default: what predictors keep.", min=0, max=1
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the counts here too."),
    ] = None,
) -> None:
    """List what a detector marks in cubes, and which marks are nodules.

    Example: lungmtl candidates --data luna16_nodules --folds 0 --out candidates0.csv
    """
    with explained():
        from ..data.public.luna16_nodules import load_cubes, require_folds
        from ..evaluation.candidates import joined, label_marks, write_candidates
        from ..evaluation.cubes import detect_regions, regions
        from ..inference.predictor import SCORE_FLOOR
        from ..inference.registry import load_predictor, models, weights_path
        from ..inference.weights import read_card, seen_cases

        chosen = [fold.strip() for fold in folds.split(",") if fold.strip()]
        require_folds(data, chosen)
        cubes = load_cubes(data, folds=chosen)
        if not cubes:
            raise Failed(f"{data} has no cube in the folds {', '.join(chosen)}")
        detector = next((m.name for m in models() if m.task == "detection" and "CT" in m.modalities), None)
        if detector is None:
            raise Failed("no detector for CT is at hand: install the package again")
        seen = seen_cases(read_card(weights or weights_path(detector)))
        known = sum(c.series in seen for c in cubes)
        if known:
            raise Failed(
                f"the detector was trained on {known} of these {len(cubes)} cubes: its marks there are no mistakes to learn "
                "from. Take weights that left the folds out"
            )
        predictor = load_predictor(detector, device, weights)
        where = regions(cubes)["whole"]
        lowest = SCORE_FLOOR if floor is None else floor
        with progress("candidates") as on_progress:
            marks = detect_regions(
                cubes,
                where,
                predictor.detect_cubes,
                on_progress=lambda fraction: on_progress(fraction, "detecting"),
            )
        found = joined(
            label_marks(cube, spheres[scores >= lowest], scores[scores >= lowest])
            for cube, (spheres, scores) in zip(cubes, marks, strict=True)
        )
        write_candidates(out, found)
        kinds = (("nodules", 1), ("false_positives", 0), ("neither", -1))
        counts = {name: int((found.nodule == kind).sum()) for name, kind in kinds}
        typer.echo(
            f"{len(found)} marks in {len(cubes)} cubes: {counts['nodules']} the best mark on a nodule, "
            f"{counts['false_positives']} false positives, {counts['neither']} neither (a second mark on a nodule, or a mark on "
            "an excluded finding)"
        )
        write_json({"cubes": len(cubes), "marks": len(found), **counts}, json_file)
