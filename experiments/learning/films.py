"""Does DHN learn from ten corrected films? A script plays the reader, on films that the shipped weights never saw.

``python experiments/learning/films.py --data ../shared/data --cache runs/learning`` looks at each film once (fold 0 of JSRT and of
NIH's boxed films, and the films that the scores were calibrated on), then learns from many random tens of fold 0 and measures on
the other films of it. The reader accepts each mark from 0.05 on that hits, rejects all others, and draws what is missed.
"""

from __future__ import annotations

import argparse
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from common import Study, backed_off, logits, taught
from scipy.special import expit

from napari_lungmtl.training.data.public.radiograph_files import read_radiograph
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiographs import chosen_cases
from napari_lungmtl.training.inference.registry import card, load_predictor
from napari_lungmtl.training.inference.view import View
from napari_lungmtl.training.learning.candidates import Candidates, Head, Outcome, load_candidates
from napari_lungmtl.training.learning.guard import Verdict, compare, figures, joined
from napari_lungmtl.training.learning.known import marks_outcome
from napari_lungmtl.training.learning.learn import HELD_BACK
from napari_lungmtl.training.learning.turned import as_stored, to_turned
from napari_lungmtl.training.networks.dhn.config import Config
from napari_lungmtl.training.networks.dhn.learning import candidates as look
from napari_lungmtl.training.networks.dhn.learning import dev_cases
from napari_lungmtl.training.networks.dhn.local_head import chosen_boxes
from napari_lungmtl.training.ops.logits import calibrated

FLOOR = 0.05
SHOWN = (
    "sensitivity at 1 false mark a film",
    "sensitivity at 0.25",
    "sensitivity at the default threshold",
    "false marks a clear film at the default threshold",
)


def judged_cases(data: Path) -> list[RadiographCase]:
    """Fold 0 of both sets: it took part in nothing."""
    cases = [case for name in ("jsrt", "nih_boxed") for case in chosen_cases(data / "cxr" / name, ["0"])]
    return [case for case in cases if case.boxes is not None or case.positive is False]


def load(cases: list[RadiographCase], cache: Path, config: Config) -> list[Study]:
    """Look at each film, once."""
    cache.mkdir(parents=True, exist_ok=True)
    predictor = None
    studies = []
    for case in cases:
        path = cache / f"{Path(case.name).stem}.npz"
        image = read_radiograph(case)
        boxes = np.zeros((0, 4)) if case.positive is False else np.asarray(case.boxes, float).reshape(-1, 4)
        truth = image.to_world(boxes[:, [1, 0, 3, 2]].reshape(-1, 2, 2) - 0.5).reshape(-1, 4)
        seen = load_candidates(path)
        if seen is None:
            predictor = predictor or load_predictor("dhn", "cpu")
            view = View.of(image)
            seen = as_stored(look(predictor, view.turned, to_turned(truth, view)), view)
            seen.save(path)
        marks, _ = found(seen, None, config)
        studies.append(Study(case.name, truth, marks, seen, planar=True))
    return studies


def found(seen: Candidates, step: Head | None, config: Config) -> tuple[np.ndarray, np.ndarray]:
    """The marks (M, 4) from 0.05 on and their scores (M,), as the predictor makes them of its proposals."""
    own = ~seen.drawn
    places, raw = seen.places[own], expit(logits(seen, step)[own])
    keep = chosen_boxes(torch.from_numpy(places).float(), torch.from_numpy(raw).float(), config).numpy()
    score = calibrated(raw[keep], config.calibration)
    return places[keep][score >= FLOOR], score[score >= FLOOR]


@lru_cache(maxsize=1000)
def outcome(study: Study, step: Head | None, config: Config) -> Outcome:
    """What is found of a film's nodules, and what else is marked; studies and steps are told apart by what they are."""
    places, scores = found(study.candidates, step, config)
    return marks_outcome(study.name, places, scores, study.truth, planar=True)


def measured(studies: list[Study], step: Head | None, config: Config) -> np.ndarray:
    """The figures of `SHOWN`."""
    outcomes = [outcome(s, step, config) for s in studies]
    whole = figures(joined(outcomes), 0.5)
    clear = figures(joined(o for o, s in zip(outcomes, studies, strict=True) if not len(s.truth)), 0.5)
    at = whole.sensitivity_at
    return np.array([at["1"], at["0.25"], whole.found / whole.lesions, clear.other / clear.images])


def verdict(back: list[Study], dev: list[Study], step: Head, config: Config) -> Verdict:
    """What the guard says of a step."""
    sets = (("held-back reviewed studies", back), ("the shipped dev set", dev))
    return Verdict(
        tuple(
            compare(name, *(joined(outcome(s, w, config) for s in own) for w in (None, step)), 0.5)
            for name, own in sets
        ),
        held_back=True,
    )


def one_split(
    films: list[Study], dev: list[Study], count: int, config: Config, rng: np.random.Generator
) -> dict:
    """Learn from some films and measure on the others; then as the command does it, some of those films held back for the guard."""
    order = [films[i] for i in rng.permutation(len(films))]
    own, rest = order[:count], order[count:]
    before = measured(rest, None, config)
    step, pull = taught(own)
    back = int(count * HELD_BACK)
    guarded, guarded_pull = taught(own[back:])
    row = {"pull": pull, "before": before.tolist()}
    if step is not None:
        row["change"] = (measured(rest, step, config) - before).tolist()
    if guarded is not None:
        guarded = backed_off(guarded, lambda part: bool(verdict([], dev, part, config).reasons))
        said = verdict(own[:back], dev, guarded, config)
        row |= {
            "recommended": said.recommended,
            "refused": bool(said.reasons),
            "guarded_pull": guarded_pull,
            "guarded_change": (measured(rest, guarded, config) - before).tolist(),
        }
    return row


def show(rows: list[dict], key: str, words: str) -> None:
    """Mean change over splits, and the middle 95 % of them."""
    changes = np.array([row[key] for row in rows if key in row])
    print(f"{words} ({len(changes)} splits)")
    for name, values in zip(SHOWN, changes.T if len(changes) else [], strict=False):
        low, high = np.quantile(values, (0.025, 0.975))
        print(f"  {name}: {values.mean():+.3f} ({low:+.3f} to {high:+.3f})")


def main() -> None:
    """What ``python experiments/learning/films.py`` runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder for what the network looked at")
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    torch.set_num_threads(1)
    config = Config(**card("dhn").config)
    films = load(judged_cases(a.data), a.cache / "films", config)
    dev = load(dev_cases(a.data, card("dhn")), a.cache / "dev", config)
    whole = measured(films, None, config)
    print(f"{len(films)} films, {sum(len(s.truth) for s in films)} nodules; dev set {len(dev)} films")
    print("shipped: " + "; ".join(f"{n} {v:.3f}" for n, v in zip(SHOWN, whole, strict=True)))
    rows = [one_split(films, dev, a.studies, config, np.random.default_rng(seed)) for seed in range(a.splits)]
    show(rows, "change", f"learnt from {a.studies} films, change on the others")
    used = [row for row in rows if row.get("recommended")]
    refused = sum(row.get("refused", False) for row in rows)
    print(f"with the guard: recommended in {len(used)}, refused as worse in {refused} of {len(rows)} splits")
    show(used, "guarded_change", "where recommended, change on the others")
    show(
        [r for r in rows if not r.get("recommended")],
        "guarded_change",
        "where not, change on the others had they been used",
    )
    if a.json:
        a.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
