"""Several MO-SegNets as one, by the mean of their probability maps, beside each alone and beside the mean of their weights.

    python experiments/radiographs/ensemble.py --weights runs/fold*/mosegnet.safetensors --data jsrt nih_boxed nih_clear

Judged on the patients that no training with prepared real radiographs sees, whatever fold it leaves out: a tenth, by a hash
(`data.simulation.real_radiographs.is_dev`). They set each one's threshold, which changes neither the order of scores nor, but for
what lies at the floor, the marks. The shipped weights are always among them.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.data.public.radiographs import RadiographCase
from napari_lungmtl.training.evaluation.radiographs import predict_radiographs
from napari_lungmtl.training.inference.registry import weights_path
from napari_lungmtl.training.inference.weights import read_card
from napari_lungmtl.training.metrics.intervals.bootstrap import Statistic, bootstrap_weights, interval
from napari_lungmtl.training.metrics.radiograph.statistics import radiograph_statistics
from napari_lungmtl.training.networks.mosegnet import predictor as mosegnet
from napari_lungmtl.training.networks.mosegnet.build import build
from napari_lungmtl.training.networks.mosegnet.maps import Maps, probability_maps
from napari_lungmtl.training.networks.mosegnet.network import MoSegNet

MEASURES = {
    "roc_auc": "ROC-AUC",
    "sensitivity_at_0.25_center": "sensitivity at 0.25",
    "sensitivity_at_1_center": "at 1",
}


class Ensemble(mosegnet.MosegnetPredictor):
    """The mean of the maps of several networks, seen through the first one's calibration.

    Parameters
    ----------
    predictors
        Of one configuration.
    mirror
        Whether each sees the mirrored radiograph, too.
    """

    def __init__(self, predictors: Sequence[mosegnet.MosegnetPredictor], mirror: bool) -> None:
        first = predictors[0]
        super().__init__(first.net, first.info, first.device)
        self.nets = [p.net for p in predictors]
        self.mirror = mirror

    def _maps(self, pixels: np.ndarray) -> tuple[Maps, str]:
        maps = [self._maps_of(net, pixels) for net in self.nets]
        lungs = [m.lungs for m in maps if m.lungs is not None]
        return Maps(np.mean([m.lesions for m in maps], 0), np.mean(lungs, 0) if lungs else None), ""

    def _maps_of(self, net: MoSegNet, pixels: np.ndarray) -> Maps:
        before = net.config
        net.config = dataclasses.replace(before, mirror=self.mirror)
        try:
            return probability_maps(net, pixels, self.device)
        finally:
            net.config = before


def main() -> None:
    """Predict and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    cases = unseen_cases(args.data)
    paths = [weights_path("mosegnet"), *args.weights]
    alone = {
        f"{read_card(path).version}, {path.parent.name}": build(path, read_card(path), "cpu")
        for path in paths
    }
    several = list(alone.values())
    everyone = {
        **alone,
        "mean of the weights": mean_of_weights(several, paths[0]),
        "mean of the maps": Ensemble(several, mirror=True),
        "mean of the maps, not mirrored": Ensemble(several, mirror=False),
    }
    figures = {name: statistics(predictor, cases) for name, predictor in everyone.items()}
    print_table(figures, list(alone), cases)


def unseen_cases(folders: Sequence[Path]) -> list[RadiographCase]:
    """The radiographs of patients that training keeps for thresholds, each picture once."""
    from napari_lungmtl.training.data.simulation.real_radiographs import is_dev

    cases = {case.name: case for folder in folders for case in open_radiograph_cases(folder)}
    return [case for case in cases.values() if is_dev(case.background or case.name)]


def mean_of_weights(
    predictors: Sequence[mosegnet.MosegnetPredictor], like: Path
) -> mosegnet.MosegnetPredictor:
    """A predictor with the mean of the networks' weights."""
    mean = build(like, read_card(like), "cpu")
    states = [p.net.state_dict() for p in predictors]
    mean.net.load_state_dict(
        {k: torch.stack([s[k].float() for s in states]).mean(0).to(t.dtype) for k, t in states[0].items()}
    )
    return mean


def statistics(
    predictor: mosegnet.MosegnetPredictor, cases: Sequence[RadiographCase]
) -> dict[str, Statistic]:
    """The measures as functions of weights over the patients."""
    results, failed = predict_radiographs(predictor, cases, predictor.info.default_threshold)
    if failed:
        raise SystemExit(f"{failed[0]['input']}: {failed[0]['error']}")
    found = radiograph_statistics(results, predictor.info.default_threshold)
    return {name: found[name] for name in MEASURES}


def print_table(
    figures: dict[str, dict[str, Statistic]], alone: Sequence[str], cases: Sequence[RadiographCase]
) -> None:
    """One row each, and the difference from the mean of those that are alone."""
    weights = bootstrap_weights([case.background or case.name for case in cases], 1000)
    positive = sum(bool(case.positive) for case in cases)
    table = Table(title=f"{len(cases)} radiographs, {positive} with nodules")
    for heading in ("", *MEASURES.values(), *(f"{name}, less the singles" for name in MEASURES.values())):
        table.add_column(heading)
    for name, own in figures.items():
        cells = [str(interval(own[measure], weights)) for measure in MEASURES]
        if name not in alone:
            cells += [
                str(interval(difference(own, figures, alone, measure), weights)) for measure in MEASURES
            ]
        table.add_row(name, *cells)
    Console(width=180).print(table)


def difference(
    own: dict[str, Statistic], figures: dict[str, dict[str, Statistic]], alone: Sequence[str], measure: str
) -> Statistic:
    """A measure less the mean of those that are alone."""
    return lambda w: own[measure](w) - np.mean([figures[name][measure](w) for name in alone], 0)


if __name__ == "__main__":
    main()
