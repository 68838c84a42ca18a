"""From a finished training run to weights with an honest card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...data.errors import DatasetError
from ...data.public.luna16_nodules import NoduleCube
from ...error_boundary import as_sentences
from ...evaluation.cubes import detect_regions, regions, score_regions
from ...fitting.presentation import presentation
from ...fitting.training_run import TrainingRun
from ...inference.weights import ModelCard, load_state, read_card, save_weights
from ...metrics.calibration import calibrate_detector
from ...metrics.froc.luna16 import froc_curve
from .config import Config, TrainingConfig
from .evaluation import cube_detector, measure
from .network import Ag3d
from .thorax import thorax_files

RATE_AT_DEFAULT = 1 / 32
"""False positives per cube on the dev scans at the default threshold: about two a scan."""
ON_CUBES = (
    "Trained on cubes around LUNA16 nodules (3 mm and more, marked by at least three of four readers), on two CPU cores; "
    "whole scans of the training data were not at hand, so false positives per scan were not measured."
)
ON_SCANS = (
    "Trained on cubes around LUNA16 nodules (3 mm and more, marked by at least three of four readers) and on false marks of "
    "whole scans, here {count}. So few do not hold all that looks round: expect other marks on scans unlike them."
)


def tune(net: Ag3d, dev: list[NoduleCube], device: torch.device) -> Config:
    """The config with a `calibration` that puts the score 0.5 at the operating point of the dev scans.

    The slope is fitted on hits and false positives of whole cubes and shifted windows; the operating point is the score at
    which `RATE_AT_DEFAULT` false positives fall on a whole cube.
    """
    net.config = dataclasses.replace(net.config, calibration=(1.0, 0.0))
    kinds, detect = regions(dev), cube_detector(net, device)
    scored = {
        kind: score_regions(dev, kinds[kind], detect_regions(dev, kinds[kind], detect))
        for kind in ("whole", "shifted")
    }
    matchings = [s.matching for scores in scored.values() for s in scores]
    hits = np.concatenate([m.hit_scores for m in matchings])
    false = np.concatenate([m.score[m.false_positive] for m in matchings])
    curve = froc_curve([s.matching for s in scored["whole"]])
    raw = float(np.clip(curve.threshold[curve.fp_rate <= RATE_AT_DEFAULT][-1], 1e-3, 1 - 1e-3))
    return dataclasses.replace(net.config, calibration=calibrate_detector(hits, false, raw))


@dataclass(frozen=True, eq=False)
class CubeSplit:
    """The cubes that a detector is trained on, and those that its threshold is tuned on.

    Parameters
    ----------
    test_folds
        Folds that took part in nothing.
    scans
        Series that windows of whole scans are drawn from, with or without nodules.
    about
        The public set that they come from (`about_set`); empty for the cubes of LUNA16.
    """

    training: list[NoduleCube]
    dev: list[NoduleCube]
    test_folds: tuple[str, ...] = ("0",)
    scans: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def series(self) -> list[str]:
        """Of all of them, sorted."""
        return sorted({*(c.series for c in (*self.training, *self.dev)), *self.scans})


def about_set(folder: Path) -> dict[str, Any]:
    """Read what `sets.prepare.prepare_set` says of the set in a folder; empty where it is none."""
    path = folder / "set.json"
    if not path.is_file():
        return {}
    with as_sentences(path, DatasetError):
        return json.loads(path.read_text(encoding="utf-8"))


def release(
    net: Ag3d, config: TrainingConfig, cubes: CubeSplit, run: TrainingRun, log: dict[str, Any]
) -> Path:
    """Calibrate, write weights and card, evaluate them on the test fold, and put the figures into the card.

    Returns
    -------
    Path
        ``ag3d.safetensors`` in the run's folder.
    """
    device = next(net.parameters()).device
    tuned = tune(net, cubes.dev, device)
    card = card_of(tuned, config, cubes, run.version, log)
    path = save_weights(net.state_dict(), card, run.out)
    # Measure what was written: half precision.
    net.load_state_dict(load_state(path, read_card(path)), strict=False)
    net.config = net.fprn.config = tuned
    figures = measure(net, device, read_card(path), run.data)
    metrics = {
        "how": f"lungmtl evaluate ag3d --data {run.data.name}: "
        f"fold {', '.join(cubes.test_folds)} of folds.csv, never trained or tuned on; "
        "cube-FROC (false positives per cube of about 0.084 l), not LUNA16's CPM",
        "cases": figures["cases"],
        "scans": figures["scans"],
        **figures["metrics"],
    }
    return save_weights(net.state_dict(), dataclasses.replace(card, metrics=metrics), run.out)


def card_of(
    tuned: Config, config: TrainingConfig, cubes: CubeSplit, version: str, log: dict[str, Any]
) -> ModelCard:
    """Make the card without metrics."""
    scans = [path.stem for path in thorax_files(config)]
    return ModelCard(
        name="ag3d",
        version=version,
        purpose="Finds lung nodules of 3 mm and more in a chest CT and marks them as spheres.",
        modalities=("CT",),
        config=dataclasses.asdict(tuned),
        input={
            "voxels_mm": 1.0,
            "axes": "z, y, x (LPS)",
            "hu_range": list(tuned.hu_range),
            "field": "lung field and 5 mm around it",
        },
        training={
            "data": [
                data_sentence(cubes),
                "synthetic thoraces of data/phantoms (own)" if config.phantoms else "no synthetic data",
                *([f"whole CTs {', '.join(scans)}: false marks, real nodules pasted in"] if scans else []),
            ],
            "config": dataclasses.asdict(config),
            "cubes": len(cubes.training),
            "dev_cubes": len(cubes.dev),
            **({"set": cubes.about["title"], "left_out": cubes.about["left_out"]} if cubes.about else {}),
            "scans": len(cubes.scans),
            "test_folds": list(cubes.test_folds),
            "series": cubes.series,
            "cases": scans,
            "note": "Series lists training and dev scans; dev scans set only calibration and default threshold. "
            + ("The test fold" if cubes.about else "The test fold, LIDC-IDRI-0002 and LIDC-IDRI-0003")
            + " took part in nothing.",
            "log": log,
        },
        default_threshold=0.5,
        limits=(
            cubes.about["limit"]
            if cubes.about
            else (ON_SCANS.format(count=len(scans)) if scans else ON_CUBES),
            "Nodules under 3 mm, masses over 60 mm, and scans with slices over 5 mm are outside its experience.",
        ),
        **presentation("ag3d"),
    )


def data_sentence(cubes: CubeSplit) -> str:
    """What a card says of where the cubes come from."""
    if cubes.about:
        title, licence = cubes.about["title"], cubes.about["licence"]
        return f"{title} ({licence}): cubes of 50 mm around nodules and whole scans, 1 mm"
    return (
        "LUNA16 nodule cubes, 1 mm, 50³ (CC BY 4.0, from LIDC-IDRI, CC BY 3.0), as published in "
        "node21challenge/node21_generation_baseline (Apache 2.0)"
    )
