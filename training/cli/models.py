"""``lungmtl models``: the cards of the weights at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import explained, output_file, show_table, write_json

if TYPE_CHECKING:
    from ..inference.weights import ModelCard

RESEARCH_ONLY = "Research use only: no medical device, not for diagnosis."
LONGEST_LIST = 8
LONGEST_TABLE = 40
FIGURES = {
    "auc": "AUC",
    "auc_median_rule": "AUC by the readers' median",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
    "roc_auc": "roc_auc",
    "cpm": "cpm",
    "f1": "f1",
    "lung_dice": "lung_dice",
}
"""Figures of cards, and how they are called in a line."""
TASKS = {
    "detection": "finds nodules in an image",
    "reduction": "sorts false positives out of a detector's findings",
    "characterisation": "judges nodules that are there",
    "segmentation": "outlines and measures nodules that are there; runs where it is named",
}


def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the whole card of this model.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the cards here too."),
    ] = None,
) -> None:
    """The networks at hand: what each is for, what it was trained on, how good it is.

    Example: lungmtl models ag3d
    """
    with explained():
        from ..inference import registry

        if name is not None:
            card = registry.card(name)
            _show_card(card)
            write_json(card.to_json(), json_file)
            return
        cards = [registry.card(info.name) for info in registry.models()]
        if not cards:
            typer.echo("no weights are at hand: install the package again, or train with 'lungmtl train'")
        for card in cards:
            _show_summary(card)
        typer.echo(RESEARCH_ONLY)
        write_json([card.to_json() for card in cards], json_file)


def _show_summary(card: ModelCard) -> None:
    data = card.training.get("data", ())
    rows = [
        ["what for", card.purpose],
        ["task", TASKS.get(card.task, card.task)],
        ["takes", ", ".join(card.modalities)],
        ["trained on", "; ".join(map(str, data)) if data else "the card does not say"],
        ["key figures", key_figures(card.metrics) or "the card has none"],
        ["threshold", f"{card.default_threshold:g}"],
        ["sha256", card.sha256],
        ["use", card.intended_use],
    ]
    show_table(f"{card.name} {card.version} · {card.title}", ("", ""), rows, left=2)


def key_figures(metrics: dict[str, Any]) -> str:
    """A line of what matters most: figures of detectors and of classifiers."""
    found = []
    for geometry in ("whole", "centred", "shifted"):
        at = (
            metrics.get(geometry, {}).get("sensitivity_at", {})
            if isinstance(metrics.get(geometry), dict)
            else {}
        )
        values = [
            f"{at[rate]:.3f} at {rate}" for rate in ("0.125", "1") if isinstance(at.get(rate), int | float)
        ]
        if values:
            found.append(f"sensitivity {geometry}: {', '.join(values)} false positives per cube")
    for name, words in FIGURES.items():
        if isinstance(metrics.get(name), int | float):
            found.append(f"{words} {metrics[name]:.3f}")
    if isinstance(metrics.get("helps"), bool):
        found.append(
            "helps the detector" if metrics["helps"] else "gains the detector too little, so off by default"
        )
    return "; ".join(found)


def _show_card(card: ModelCard) -> None:
    for line in lines(card.to_json()):
        typer.echo(line)
    typer.echo(RESEARCH_ONLY)


def lines(value: Any, indent: int = 0) -> Iterator[str]:
    """A card as indented lines; long lists and tables (the series trained on) by their length."""
    space = "  " * indent
    if isinstance(value, dict):
        for key, entry in value.items():
            if _nested(entry):
                yield f"{space}{key}:"
                yield from lines(entry, indent + 1)
            else:
                yield f"{space}{key}: {_flat(entry)}"
    else:
        for entry in value:
            yield f"{space}- {_flat(entry)}"


def _nested(value: Any) -> bool:
    texts = isinstance(value, list | tuple) and any(isinstance(v, str) and len(v) > 40 for v in value)
    return (isinstance(value, dict) and 0 < len(value) <= LONGEST_TABLE) or (
        texts and len(value) <= LONGEST_LIST
    )


def _flat(value: Any) -> str:
    if isinstance(value, list | tuple | dict) and len(value) > LONGEST_LIST:
        return f"{len(value)} entries (--json writes them all)"
    if isinstance(value, list | tuple):
        return ", ".join(_flat(v) for v in value) if value else "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
