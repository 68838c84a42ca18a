"""The evaluations that the section *operating point* starts with, cut down to what its curves need.

    lungmtl evaluate ag3d --data ct/whole --json runs/ag3d.json
    lungmtl evaluate dhn --data cxr/jsrt --folds 0 --json runs/jsrt.json
    lungmtl evaluate dhn --data cxr/nih_boxed --folds 0 --json runs/nih_boxed.json
    python experiments/operating_point/shipped.py --scans runs/ag3d.json --radiographs runs/jsrt.json runs/nih_boxed.json

The radiographs are those of the network that the one answer comes from (``radiograph_answer.json``). Write both anew whenever
weights change: what belongs to others is not shown.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from napari_lungmtl.training.inference.registry import card
from napari_lungmtl.training.operating_point.shipped import RADIOGRAPHS, SCANS

MARK, LESION = ("scan", "score", "kind"), ("scan", "diameter_mm", "score")
FILM = ("name", "background", "positive", "score")


def cut(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Some keys of rows, numbers to six digits."""
    return [{k: round(row[k], 6) if isinstance(row[k], float) else row[k] for k in keys} for row in rows]


def weights_of(values: dict[str, Any]) -> dict[str, str]:
    """The SHA-256 of the weights that an evaluation is of."""
    known = card(values["network"])
    if not known.sha256.startswith(values["weights"].split()[-1]):
        raise SystemExit(f"{values['weights']} are not the shipped weights: evaluate those.")
    return {values["network"]: known.sha256}


def scans(path: Path) -> dict[str, Any]:
    """What a curve needs of whole scans."""
    values = json.loads(path.read_text(encoding="utf-8"))
    by_scan = {name: {"lesions": c["lesions"]} for name, c in values["metrics"]["by_scan"].items()}
    return {
        "title": f"{len(by_scan)} whole scans, not trained on",
        "networks": weights_of(values),
        "network": values["network"],
        "weights": values["weights"],
        "data": Path(values["data"]).name,
        "metrics": {"by_scan": by_scan, "lesions": cut(values["metrics"]["lesions"], LESION)},
        "marks": cut(values["marks"], MARK),
        "warnings": values["warnings"],
    }


def radiographs(paths: list[Path]) -> dict[str, Any]:
    """What a curve needs of radiographs, of several sets together."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    rows = [row for values in files for row in cut(values["cases_detail"], FILM)]
    sets = [Path(values["data"]).name for values in files]
    first = files[0]
    return {
        "title": f"{len(rows)} radiographs, not trained on",
        "networks": {name: sha for values in files for name, sha in weights_of(values).items()},
        "network": first["network"],
        "weights": first["weights"],
        "data": " and ".join(sets),
        "metrics": {},
        "cases_detail": rows,
        "warnings": ["The scale of the answer, two numbers, was fitted on the same radiographs."],
    }


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--radiographs", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    for path, values in ((SCANS, scans(args.scans)), (RADIOGRAPHS, radiographs(args.radiographs))):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
