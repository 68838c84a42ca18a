"""The report's tables in Markdown, made of the figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..findings import ATTRIBUTES
from ..findings.lidc_scales import NOMINAL, RULES
from ..metrics.characterisation.figures import span, spread, text
from . import published
from .runs import FUSED, title

Table = list[list[str]]
"""Rows of cells, the header first."""


def markdown(table: Table, left: int = 1) -> str:
    """A table; the first `left` columns are text, the others figures."""
    rules = [":--" if i < left else "--:" for i in range(len(table[0]))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [table[0], rules, *table[1:]])


def target_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What was aimed at, what was reached, and by how much it was missed."""
    table = [["target", "aimed at", "reached", ""]]
    for row in rows:
        sign = "≥" if row["at_least"] else "≤"
        met, value = row["met"], row["value"]
        by = "" if value is None else f"{abs(value - row['target']):.4f}"
        verdict = "no run" if met is None else "met" if met else f"missed by {by}"
        table.append([_titled(row["what"]), f"{sign} {row['target']:.3f}", text(value), verdict])
    return table


def _titled(what: str) -> str:
    name, _, rest = what.partition(": ")
    return f"{title(name)}: {rest}"


def malignancy_table(malignancies: Mapping[str, Any], rule: str) -> Table:
    """One label rule: every predictor, the networks first; below them what the papers print."""
    table = [
        [
            "predictor",
            "AUC (95 % interval)",
            "folds: mean ± SD",
            "accuracy (folds: mean ± SD)",
            "sensitivity",
            "specificity",
            "Brier",
            "calibration error",
        ]
    ]
    for name, figures in malignancies.items():
        part = figures[rule]
        if part["auc"] is None:
            continue
        auc, accuracy = part["auc"], part["accuracy"]
        table.append(
            [
                title(name),
                f"{text(auc['value'])} ({span(auc['lower'], auc['upper'])})",
                spread(auc["fold_mean"], auc["fold_sd"]),
                f"{percent(accuracy['value'])} ({percent_spread(accuracy)})",
                percent(part["sensitivity"]["value"]),
                percent(part["specificity"]["value"]),
                text(part["brier"]["value"]),
                text(part["calibration_error"]),
            ]
        )
    theirs = published.MTMR_TABLE_2 if rule == "mean" else published.MTCNN_TABLE_1
    for name, (accuracy, sensitivity, specificity, auc) in theirs.items():
        cells = [percent(v) for v in (accuracy, sensitivity, specificity)]
        table.append([f"*paper: {name}*", text(auc), "–", *cells, "–", "–"])
    return table


def percent(value: float | None) -> str:
    """A fraction as a percentage."""
    return "–" if value is None else f"{100 * value:.1f} %"


def percent_spread(cell: Mapping[str, float | None]) -> str:
    """Mean ± standard deviation over folds, as percentages."""
    mean, sd = cell["fold_mean"], cell["fold_sd"]
    return "–" if mean is None or sd is None else f"{100 * mean:.1f} ± {100 * sd:.1f}"


def difference_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Paired differences of AUC, and what their intervals say."""
    table = [["comparison", "readers'", "nodules", "difference of AUC (95 % interval)", ""]]
    for row in rows:
        lower, upper = row["lower"], row["upper"]
        if lower is None or upper is None:
            says = ""
        else:
            says = "better" if lower > 0 else "worse" if upper < 0 else "not told apart"
        between = "–" if lower is None or upper is None else f"{signed(lower)} to {signed(upper)}"
        comparison = f"{title(row['first'])} − {title(row['second'])}"
        table.append(
            [comparison, row["rule"], str(row["nodules"]), f"{signed(row['value'])} ({between})", says]
        )
    return table


def signed(value: float) -> str:
    """A difference with its sign, and a real minus."""
    return f"{value:+z.3f}".replace("-", "−")  # no minus before zero


def error_table(errors: Mapping[str, Any]) -> Table:
    """MTMR-Net's Table III: mean absolute errors on the original scales."""
    table = [["", *ATTRIBUTES]]
    for name, figures in errors.items():
        shown = "two readers of a nodule differ by" if name == "readers" else title(name)
        table.append([shown, *(text(figures[a]["mae"], 2) for a in ATTRIBUTES)])
    goals = [published.ATTRIBUTE_TARGETS.get(a) for a in ATTRIBUTES]
    table.append(["**target**", *(f"**{text(goal, 2)}**" if goal else "–" for goal in goals)])
    for name, values in published.MTMR_TABLE_3.items():
        table.append([f"*paper: {name}*", *(f"{value:g}" for value in values)])
    return table


def agreement_table(errors: Mapping[str, Any]) -> Table:
    """Intervals of the errors, rank correlation, and accuracy for the nominal ones; the readers have none of these."""
    table = [["", "", *ATTRIBUTES]]
    for name, figures in errors.items():
        if name == "readers":
            continue
        bounds = [span(figures[a].get("mae_lower"), figures[a].get("mae_upper"), 2) for a in ATTRIBUTES]
        table.append([title(name), "error, 95 % interval", *bounds])
        table.append(["", "Spearman's rho", *(text(figures[a]["spearman"], 2) for a in ATTRIBUTES)])
        right = [percent(figures[a]["accuracy"]) if a in NOMINAL else "" for a in ATTRIBUTES]
        table.append(["", "readers' majority met", *right])
    return table


def relatedness_table(figures: Mapping[str, Any]) -> Table:
    """MTMR-Net's Table IV: relatedness, rank, above average."""
    table = [["", "", *ATTRIBUTES]]

    def add(
        shown: str,
        mean: Sequence[float],
        sd: Sequence[float],
        rank: Sequence[int],
        above: Sequence[bool],
    ) -> None:
        table.append([shown, "relatedness", *(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, sd, strict=True))])
        table.append(["", "rank", *map(str, rank)])
        table.append(["", "above average", *("✓" if a else "" for a in above)])

    for name, row in figures.items():
        shown = "readers' attributes" if name == "readers" else f"attributes of {title(name)}"
        add(shown, row["mean"], row["sd"], row["rank"], row["above_average"])
    theirs = published.MTMR_TABLE_4
    # The paper ticks margin at 0.125, an eighth to three digits.
    add(
        "*paper*",
        theirs,
        published.MTMR_TABLE_4_SD,
        published.MTMR_TABLE_4_RANK,
        [m >= 0.125 for m in theirs],
    )
    return table


def reconstruction_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """MT-CNN's Fig. 7 as a table."""
    table = [["α", "run", *(f"AUC, readers' {rule} (95 % interval)" for rule in RULES)]]
    for row in rows:
        cells = [row[rule] or {} for rule in RULES]
        aucs = [f"{text(c.get('value'))} ({span(c.get('lower'), c.get('upper'))})" for c in cells]
        table.append([f"{row['weight']:g}", row["name"], *aucs])
    return table


def reduction_table(figures: Mapping[str, Any]) -> Table:
    """False-positive reduction: sensitivities before and after."""
    rates = list(next(iter(figures.values()))["before"]["sensitivity_at"])
    table = [["run", *rates, "mean", "AUC of the network alone"]]
    for name, row in figures.items():
        for when in ("before", "after"):
            at = [text(row[when]["sensitivity_at"].get(rate)) for rate in rates]
            auc = text(row["auc"]) if when == "after" else ""
            table.append([f"{name}, {when}", *at, text(row[when]["mean_sensitivity"]), auc])
        gain = row["difference"]
        bounds = f"{signed(gain['value'])} ({signed(gain['lower'])} to {signed(gain['upper'])})"
        table.append([f"{name}, difference", *[""] * len(rates), bounds, ""])
    return table


def reliability_table(malignancies: Mapping[str, Any]) -> Table:
    """Reliability of the best there is: the fused opinion, else the first predictor."""
    name = FUSED if FUSED in malignancies else next(iter(malignancies))
    table = [[f"{title(name)}: probability", "nodules", "mean probability", "malignant by the readers' mean"]]
    for row in malignancies[name]["mean"].get("reliability", ()):
        edges = f"{row['lower']:.1f}–{row['upper']:.1f}"
        table.append([edges, str(row["count"]), text(row["predicted"], 2), text(row["observed"], 2)])
    return table
