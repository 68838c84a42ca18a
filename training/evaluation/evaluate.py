"""Evaluation of any network's weights on a folder of data: what ``lungmtl evaluate`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..inference import registry
from ..inference.predictor import PredictorError
from ..inference.progress import OnProgress
from ..inference.suitability import RADIOGRAPHS
from ..inference.weights import read_card
from .case_rows import OnCase
from .found_before import FoundBefore, Results

FUSION = "fusion"
"""Stands for both characterisers and what `inference.fusion` makes of them."""
_AT_PLACES = "rates nodules at the places of a findings.csv, and not of an index of many studies."


def evaluate_network(
    network: str,
    data: Path,
    *,
    weights: Path | None = None,
    truth: Path | None = None,
    excluded: Path | None = None,
    folds: Sequence[str] | None = None,
    findings: Path | None = None,
    results: Results | None = None,
    device: str = "auto",
    on_progress: OnProgress = lambda _f, _s: None,
    on_case: OnCase | None = None,
) -> dict[str, Any]:
    """Run the evaluation of a network, or of the fusion of characterisers.

    Parameters
    ----------
    network
        Name of the model; ``"fusion"`` for the chain of all characterisers.
    data
        Folder in the layout of the network's dataset.
    weights
        Other weights than the shipped ones, with their card beside them.
    findings
        LUNA16-style csv of a detector: characterisers then look at nodules at the found places and sizes.
    results
        Where a detector's findings are already: they are evaluated, and no network runs.
    on_progress
        Gets the fraction done and the stage.
    on_case
        Gets the row of each scan or radiograph that a detector ran on, with its image.

    Returns
    -------
    dict
        ``network``, ``data``, ``weights``, ``cases``, ``metrics``, plain JSON values, and for a person ``table`` (rows of strings,
        the heading first) and ``warnings``.
    """
    # Only what was given: a detector's evaluation knows no findings, the fusion no weights.
    options: dict[str, Any] = {"folds": folds, "on_progress": on_progress}
    if findings is not None:
        options["findings"] = findings
    if network == FUSION:
        if results is not None:
            raise PredictorError(f"the fusion {_AT_PLACES}")
        refused = {"--weights": weights, "--truth": truth, "--excluded": excluded}
        if wrong := [option for option, value in refused.items() if value is not None]:
            raise PredictorError(f"the fusion is evaluated without {', '.join(wrong)}: leave it out.")
        from .fusion import evaluate_fusion

        return evaluate_fusion(data, device=device, **options)
    path = registry.weights_path(network) if weights is None else weights
    card = read_card(path)
    if findings is not None and card.task == "detection":
        raise PredictorError(f"{network} finds nodules itself: --findings is for characterisers.")
    files = {"truth": truth, "excluded": excluded}
    given: dict[str, Any] = {option: file for option, file in files.items() if file is not None}
    if given and (card.task != "detection" or RADIOGRAPHS & set(card.modalities)):
        refused_options = ", ".join(f"--{option}" for option in given)
        judged = "radiographs are" if card.task == "detection" else f"{network} is"
        raise PredictorError(
            f"{judged} judged by the truth in the folder of the data: leave out {refused_options}."
        )
    if on_case is not None and card.task == "detection":
        options["on_case"] = on_case
    if results is not None:
        if card.task != "detection":
            raise PredictorError(f"{network} {_AT_PLACES}")
        return registry.network(network).evaluate(FoundBefore(results, card), data, path, **given, **options)
    predictor = registry.load_predictor(network, device, weights)
    return registry.network(network).evaluate(predictor, data, path, **given, **options)
