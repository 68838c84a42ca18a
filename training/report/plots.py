"""The report's pictures: ROC, reliability, and t-SNE of attributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_curve

from .figures import DIAMETER, MASK, READERS, Predictor
from .relatedness import map_of
from .runs import FUSED, MTCNN, MTMR, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which the colour-blind tell apart; a network keeps its colour in every picture.
COLORS = {
    FUSED: "#000000",
    MTMR: "#0072B2",
    MTCNN: "#D55E00",
    MASK: "#009E73",
    DIAMETER: "#999999",
    READERS: "#CC79A7",
}
MALIGNANT, BENIGN = "#D55E00", "#0072B2"
METADATA = {"Software": None, "Creation Time": None}
"""Nothing that changes from run to run goes into the files."""


def _figure(columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * columns, 5.0), dpi=110, layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    return figure, list(axes)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata=METADATA)


def roc_plot(predictors: Mapping[str, Predictor], malignancies: Mapping[str, Any], path: Path) -> None:
    """ROC curves of the networks and baselines under both label rules, each with its AUC."""
    figure, axes = _figure(2)
    for axis, rule in zip(axes, ("mean", "median"), strict=True):
        for name, color in COLORS.items():
            if name not in predictors or malignancies[name][rule]["auc"] is None:
                continue
            predictions = predictors[name][rule]
            label = predictions.label(rule)
            false, true, _ = roc_curve(label[label >= 0], predictions.malignancy[label >= 0])
            auc = malignancies[name][rule]["auc"]["value"]
            network = name in (FUSED, MTMR, MTCNN)
            axis.plot(
                false, true, color=color, lw=2 if network else 1.2, label=f"{_short(name)}  {auc or 0:.3f}"
            )
        axis.plot([0, 1], [0, 1], color="0.85", lw=1, zorder=0)
        axis.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axis.set_title(f"malignant or benign by the readers' {rule}")
        axis.legend(loc="lower right", frameon=False, title="AUC", alignment="left")
    _save(figure, path)


def _short(name: str) -> str:
    return "fused" if name == FUSED else title(name)


def reliability_plot(malignancies: Mapping[str, Any], path: Path) -> None:
    """Observed fraction of malignant nodules over the predicted probability, in 10 bins of equal width, mean rule."""
    shown = [name for name in (FUSED, MTMR, MTCNN) if name in malignancies] or [MASK]
    figure, axes = _figure(len(shown))
    for axis, name in zip(axes, shown, strict=True):
        part = malignancies[name]["mean"]
        rows = part.get("reliability", [])
        predicted, observed = [r["predicted"] for r in rows], [r["observed"] for r in rows]
        axis.plot([0, 1], [0, 1], color="0.85", lw=1, zorder=0)
        axis.plot(predicted, observed, "o-", color=COLORS[name], lw=1.5, ms=5)
        for row in rows:
            axis.text(row["predicted"], -0.08, str(row["count"]), ha="center", fontsize=8, color="0.35")
        axis.axhline(-0.03, color="0.85", lw=0.8)
        axis.set(xlabel="predicted probability (above it: nodules in the bin)", ylabel="fraction malignant")
        axis.set(xlim=(-0.03, 1.03), ylim=(-0.1, 1.03), aspect="equal")
        axis.set_title(f"{_short(name)}: calibration error {part['calibration_error'] or 0:.3f}")
    _save(figure, path)


def attribute_map_plot(
    source: str,
    values: np.ndarray,
    label: np.ndarray,
    figures: Mapping[str, Any],
    path: Path,
) -> None:
    """t-SNE of the attributes below average (left) and of all eight (right), as MTMR-Net's Fig. 5.

    Parameters
    ----------
    values, label
        (n, 8) attributes and (n,) 0 or 1.
    figures
        `relatedness_figures` of this source.
    """
    low = ~np.array(figures["above_average"], bool)
    figure, axes = _figure(2)
    panels = (
        (values[:, low], f"{int(low.sum())} attributes below average", figures["auc_below_average"]),
        (values, "all eight attributes", figures["auc_all"]),
    )
    for axis, (chosen, name, auc) in zip(axes, panels, strict=True):
        position = map_of(chosen)
        for value, color, shown in ((0, BENIGN, "benign"), (1, MALIGNANT, "malignant")):
            x, y = position[label == value].T
            axis.scatter(x, y, s=9, color=color, alpha=0.65, lw=0, label=shown)
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"{name}: AUC {auc:.3f}")
    axes[0].legend(loc="best", frameon=True, framealpha=0.9, markerscale=2)
    whose = "the readers" if source == "readers" else title(source)
    figure.suptitle(f"t-SNE of the attributes by {whose}")
    _save(figure, path)
