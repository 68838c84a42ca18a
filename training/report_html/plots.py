"""The report's plots, as SVG texts: FROC, found against other marks, ROC, reliability; each only where its figures are there."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#999999"
"""Of Okabe and Ito's colours, which the colour-blind tell apart; each curve has a sign of its own besides."""
RATES = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def plots(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Draw what an evaluation's figures allow: title and SVG of each plot.

    Parameters
    ----------
    figures
        As ``lungmtl evaluate --json`` writes them.
    """
    metrics = figures.get("metrics") or {}
    drawn = [
        _froc(metrics, figures.get("curve"), figures.get("threshold")),
        _operating_points(metrics),
        _roc(figures.get("cases_detail") or ()),
        _reliability(metrics),
    ]
    return [plot for plot in drawn if plot is not None]


def _svg(draw: Callable[[Axes], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.grid(color="0.9", lw=0.8)
    draw(axes)
    data = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "lungmtl", "svg.fonttype": "path"}):
        figure.savefig(data, format="svg", metadata={"Date": None, "Creator": None})
    return data.getvalue()


def _points(by_rate: Mapping[str, float | None] | None) -> tuple[list[float], list[float]]:
    known = {float(rate): value for rate, value in (by_rate or {}).items() if value is not None}
    return list(known), list(known.values())


def _froc(
    metrics: Mapping[str, Any], curve: Mapping[str, list[float]] | None, threshold: float | None
) -> tuple[str, str] | None:
    whole = metrics.get("whole") or {}  # a detector on cubes
    at = metrics.get("sensitivity_at") or whole.get("sensitivity_at")
    x, y = _points(at)
    if not x:
        return None
    interval = metrics.get("bootstrap") or whole
    low, high = (_points(interval.get(f"sensitivity_{end}"))[1] for end in ("lower", "upper"))
    what = "cube" if whole else "radiograph" if "froc_auc" in metrics else "scan"

    def draw(axes: Axes) -> None:
        if curve is not None:
            axes.plot(curve["fp_rate"], curve["sensitivity"], color=BLUE, lw=1.5)
        axes.plot(
            x, y, "o" if curve is not None else "o-", color=BLUE, ms=5, label="by the rule of the challenge"
        )
        if len(low) == len(high) == len(x):
            axes.fill_between(x, low, high, color=BLUE, alpha=0.18, lw=0, label="95 %")
        center = _points(metrics.get("sensitivity_at_center"))
        if center[0]:
            axes.plot(*center, "s--", color=ORANGE, ms=4, label="mark's centre in the nodule's box")
        if curve is not None and threshold is not None:
            used = [f for f, t in zip(curve["fp_rate"], curve["threshold"], strict=True) if t >= threshold]
            if used:
                axes.axvline(
                    max(used[-1], 1e-3), color=GRAY, ls=":", label=f"threshold of the list, {threshold:.3g}"
                )
        axes.set_xscale("log", base=2)
        ticks = [rate for rate in RATES if min(x) <= rate <= max(x)] or x
        axes.set_xticks(ticks, [f"{rate:g}" for rate in ticks])
        axes.set(xlim=(min(x) / 1.3, max(x) * 1.3), ylim=(0, 1.02))
        axes.set(xlabel=f"false positives per {what}", ylabel="sensitivity")
        axes.legend(loc="lower right", frameon=False)

    return "FROC", _svg(draw)


def _operating_points(metrics: Mapping[str, Any]) -> tuple[str, str] | None:
    rows = metrics.get("at_threshold") or {}
    points = sorted((float(t), row) for t, row in rows.items() if row.get("lesions"))
    if not points:
        return None
    default = metrics.get("default_threshold")

    def draw(axes: Axes) -> None:
        other = [row["other_per_scan"] for _, row in points]
        found = [row["found"] / row["lesions"] for _, row in points]
        axes.plot(other, found, "o-", color=BLUE, ms=4)
        for threshold, row in points:
            if threshold == default:
                at = row["other_per_scan"], row["found"] / row["lesions"]
                axes.plot(*at, "D", color=ORANGE, ms=8, label=f"default threshold {threshold:g}")
        axes.set(xlabel="other marks per scan", ylabel="lesions found", ylim=(0, 1.05))
        axes.legend(loc="lower right", frameon=False)

    return "Found against other marks, over thresholds", _svg(draw)


def _roc(rows: Any) -> tuple[str, str] | None:
    known = [
        (row["score"], row["positive"]) for row in rows if row.get("positive") is not None and "score" in row
    ]
    if len({positive for _, positive in known}) < 2:
        return None
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve([bool(p) for _, p in known], [s for s, _ in known])

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="0.85", lw=1)
        axes.plot(false, true, color=BLUE, lw=1.8)
        axes.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.02), aspect="equal")

    return "ROC: radiographs with and without a nodule", _svg(draw)


def _reliability(metrics: Mapping[str, Any]) -> tuple[str, str] | None:
    rows = (metrics.get("mean_rule") or {}).get("reliability") or ()
    if not rows:
        return None

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="0.85", lw=1)
        size = np.sqrt([row["count"] for row in rows])
        axes.plot([r["predicted"] for r in rows], [r["observed"] for r in rows], color=GREEN, lw=1)
        axes.scatter([r["predicted"] for r in rows], [r["observed"] for r in rows], s=6 * size, color=GREEN)
        axes.set(
            xlabel="predicted probability of malignancy",
            ylabel="fraction malignant",
            xlim=(0, 1),
            ylim=(0, 1),
        )

    return "Calibration, readers' mean (larger dots: more nodules)", _svg(draw)
