"""Evaluation of a network on radiographs: each file through the reader and the predictor, as in use, then the figures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

from ..data.errors import DatasetError
from ..data.public.folder_radiographs import Part
from ..data.public.lung_masks import LEFT, RIGHT, read_lungs
from ..data.public.open_radiographs import open_radiograph_cases
from ..data.public.radiograph_files import read_radiograph
from ..data.public.radiographs import RadiographCase
from ..error_boundary import STOPS, sentence
from ..findings import Box, Findings
from ..imaging.image import Image
from ..imaging.paths import stem_of
from ..inference.predictor import Predictor, PredictorError, finish
from ..inference.progress import OnProgress
from ..inference.view import View
from ..inference.weights import ModelCard, read_card, seen_cases
from ..metrics.radiograph.figures import (
    radiograph_details,
    radiograph_figures,
    radiograph_table,
    radiograph_warnings,
)
from ..metrics.radiograph.shams import ShamMarks, count_sham_marks
from ..metrics.radiograph.statistics import RadiographResult
from ..ops.masks import dice, mask_iou
from .case_rows import OnCase, film_columns
from .found_before import FoundBefore

log = logging.getLogger(__name__)

OnResult = Callable[[RadiographCase, Image, Findings, RadiographResult], None]
"""Gets what a network says of each radiograph, while that is open."""
SIDES = {RIGHT: "right lung", LEFT: "left lung"}
"""Names of regions by the labels of lung masks."""


def evaluate_radiographs(
    predictor: Predictor | FoundBefore,
    data: Path,
    weights: Path,
    *,
    lungs: bool,
    folds: Sequence[str] | None = None,
    on_progress: OnProgress = lambda _f, _s: None,
    on_case: OnCase = lambda _row, _image: None,
) -> dict[str, Any]:
    """Figures of a loaded predictor, or of what it found before, on a folder of radiographs.

    Parameters
    ----------
    data
        Folder in a layout of `data.public.open_radiographs`: NODE21's, a simulated test set, JSRT with SCR, NIH, lung_masks_100.
    lungs
        Whether the network outlines lungs.
    folds
        ``["held-out"]`` for the patients of a real set that training keeps away from, ``["train"]`` for the others; ``["0"]`` and
        so on for folds of a set that has its own; by default all.
    on_case
        Gets the row of each radiograph (``cases_detail``) with its image.

    Returns
    -------
    dict
        ``network``, ``data``, ``weights``, ``cases``, ``metrics`` (`metrics.radiograph.figures`), ``cases_detail`` (a row for each
        image), ``failed`` (``input``, ``error``), and for a person ``table`` and ``warnings``. Where the weights were trained or
        tuned on some of the pictures, ``metrics_unseen`` has the figures of the others alone.

    Raises
    ------
    PredictorError, DatasetError
        There are no such folds, or no image of the folder could be judged.
    """
    card = read_card(weights)
    cases = chosen_cases(data, folds)
    details: list[dict[str, Any]] = []

    def add_row(case: RadiographCase, image: Image, findings: Findings, result: RadiographResult) -> None:
        (row,) = radiograph_details([result], card.default_threshold)
        details.append(row | film_columns(case, image, result, findings, card.default_threshold))
        on_case(details[-1], image)

    results, failed = predict_radiographs(
        predictor, cases, card.default_threshold, lungs=lungs, on_progress=on_progress, on_result=add_row
    )
    if not results:
        first = f": {failed[0]['error']}" if failed else "."
        raise DatasetError(f"{data} holds no image that could be judged{first}")
    on_progress(1.0, "intervals")
    metrics = radiograph_figures(results, card.default_threshold, lungs=lungs)
    seen = seen_in_training(card, results)
    unseen = [r for r, known in zip(results, seen, strict=True) if not known] if any(seen) else []
    return {
        "network": predictor.info.name,
        "data": str(data),
        "weights": f"{card.name} {card.version} {card.sha256[:12]}",
        "cases": len(results),
        "metrics": metrics,
        "cases_unseen": len(unseen) if any(seen) else len(results),
        "metrics_unseen": radiograph_figures(unseen, card.default_threshold, lungs=lungs) if unseen else None,
        "cases_detail": details,
        "failed": failed,
        "table": radiograph_table(metrics),
        "warnings": [
            *trained_on(seen),
            *radiograph_warnings(results, lungs=lungs),
            *(f"{entry['input']}: {entry['error']}" for entry in failed),
        ],
    }


def chosen_cases(data: Path, folds: Sequence[str] | None) -> list[RadiographCase]:
    """Which radiographs of a set: what ``--folds`` means for them.

    Raises
    ------
    PredictorError
        The set has no such part or fold.
    """
    chosen = list(folds or ("all",))
    parts: tuple[Part, ...] = ("all", "held-out", "train")
    if len(chosen) == 1 and chosen[0] in parts:
        return open_radiograph_cases(data, next(p for p in parts if p == chosen[0]))
    cases = open_radiograph_cases(data)
    known = sorted({case.fold for case in cases if case.fold})
    if not known or not set(chosen) <= set(known):
        own = f", or some of its folds {', '.join(known)}" if known else ""
        raise PredictorError(f"of radiographs --folds takes one of: all, held-out, train{own}.")
    return [case for case in cases if case.fold in chosen]


def seen_in_training(card: ModelCard, results: Sequence[RadiographResult]) -> list[bool]:
    """For each image, whether weights were trained or calibrated on it, or on the picture that it was made from."""
    known = {Path(name).stem for name in seen_cases(card)}
    return [bool({Path(r.name).stem, Path(r.background).stem} & known) for r in results]


def trained_on(seen: Sequence[bool]) -> list[str]:
    """A warning where the weights were trained on pictures of the set."""
    count = sum(seen)
    if not count:
        return []
    return [
        f"{count} of {len(seen)} images are made from pictures that these weights were trained or tuned on: "
        "the figures say nothing about unseen pictures; those of the others alone are in the JSON (metrics_unseen)."
    ]


def predict_radiographs(
    predictor: Predictor | FoundBefore,
    cases: Sequence[RadiographCase],
    threshold: float,
    *,
    lungs: bool = False,
    on_progress: OnProgress = lambda _f, _s: None,
    on_result: OnResult = lambda _case, _image, _findings, _result: None,
) -> tuple[list[RadiographResult], list[dict[str, str]]]:
    """Run a predictor on radiographs; what could not be read or predicted comes second, with the reason.

    As in use, one that certainly lies on its side or is a negative is turned for the network.
    """
    if isinstance(predictor, FoundBefore):
        predictor.look_up((case.path, (stem_of(case.path),)) for case in cases)
    results, failed = [], []
    for number, case in enumerate(cases):
        on_progress(number / len(cases), case.name)
        try:
            image = read_radiograph(case)
            findings = _findings(predictor, case, image)
            results.append(radiograph_result(case, image, findings, threshold, lungs=lungs))
            on_result(case, image, findings, results[-1])
        except STOPS:
            raise
        except BaseException as error:  # one bad file must not cost the others, nor a codec that panics
            log.exception("%s failed", case.path)
            failed.append({"input": str(case.path), "error": sentence(error)})
    return results, failed


def _findings(predictor: Predictor | FoundBefore, case: RadiographCase, image: Image) -> Findings:
    if isinstance(predictor, FoundBefore):
        if not case.upright:
            raise PredictorError(
                f"{case.path} is looked at as it was turned here, and not as it was predicted."
            )
        return predictor.of(case.path, image)
    view = View.of(image)
    return view.as_stored(finish(predictor.run(view.turned)))


def radiograph_result(
    case: RadiographCase, image: Image, findings: Findings, threshold: float, *, lungs: bool = False
) -> RadiographResult:
    """What a network's findings on an image look like beside the truth."""
    detections = [(f, box) for f in findings if (box := f.box) is not None]
    scores = np.array([f.score for f, _ in detections], float)
    boxes = np.array([corners(image, box) for _, box in detections], float).reshape(-1, 4)
    centers = np.array([edge(image, f.center) for f, _ in detections], float).reshape(-1, 2)
    truth = case.boxes
    if case.positive is False:
        truth = np.zeros((0, 4))
    labels = read_lungs(case) if lungs or len(case.shams) else None
    target = np.zeros((0, 4)) if truth is None else truth
    shams = ShamMarks()
    if len(case.shams):
        inside = None if labels is None else _resized(labels > 0, image.shape)
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        shams = count_sham_marks(middle[scores >= threshold], case.shams, target, _planar(image), inside)
    dices, ious = {}, {}
    if lungs and labels is not None:
        for name, mask in true_regions(labels):
            guess = predicted_region(findings, name, image, mask.shape)
            if guess is not None:
                dices[name], ious[name] = dice(guess, mask), mask_iou(guess, mask)
    head = [s.probability for s in findings.image_scores]
    return RadiographResult(
        name=case.name,
        background=case.background,
        score=head[0] if head else float(scores.max(initial=0.0)),
        boxes=boxes,
        scores=scores,
        centers=centers,
        positive=case.positive,
        truth=truth,
        diameter_mm=np.asarray(case.diameter_mm, float),
        shams=shams,
        lung_dice=dices,
        lung_iou=ious,
        complete=case.complete,
        subtlety=np.asarray(case.subtlety, float),
        group=case.group,
    )


def edge(image: Image, world: Sequence[float]) -> tuple[float, float]:
    """A world point (y, x) as x, y in pixels, edge coordinates."""
    y, x = image.to_index(world) + 0.5
    return float(x), float(y)


def corners(image: Image, box: Box) -> tuple[float, float, float, float]:
    """A box in the world as x0, y0, x1, y1 in pixels, edge coordinates."""
    return (*edge(image, box.low), *edge(image, box.high))


def true_regions(labels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Both lungs, and each side where the labels (`lung_masks.read_lungs`) tell them apart; nothing where there is no lung."""
    if (labels > 0).any():
        yield "lungs", labels > 0
    if all((labels == label).any() for label in SIDES):
        for label, name in SIDES.items():
            yield name, labels == label


def predicted_region(
    findings: Findings, name: str, image: Image, shape: tuple[int, ...]
) -> np.ndarray | None:
    """A network's region as a boolean array of `shape`, which covers the image; None for a side if it tells none apart.

    `shape` is the label image's, which may be finer or coarser than the image. Masks are laid onto it by linear interpolation.
    """
    names = (name, *SIDES.values()) if name == "lungs" else (name,)
    regions = [r for n in names if (r := findings.region(n)) is not None]
    if not regions and name != "lungs":
        told = any(findings.region(n) is not None for n in SIDES.values())
        return np.zeros(shape, bool) if told else None
    union = np.zeros(shape, bool)
    step = np.asarray(image.shape, float) / np.asarray(shape)  # image pixels for one label pixel
    for region in regions:
        mask = region.mask
        spacing, origin = np.asarray(mask.spacing), np.asarray(mask.origin)
        scale = step * np.asarray(image.scale) / spacing
        first = (image.to_world(0.5 * step - 0.5) - origin) / spacing
        # Padded, so that the interpolation ends half a pixel outside the mask and not at its outermost centres.
        padded = np.pad(mask.to_array().astype(np.float32), 1)
        union |= affine_transform(padded, scale, first + 1, output_shape=shape, order=1) >= 0.5
    return union


def _planar(image: Image) -> tuple[int, int]:
    height, width = image.shape
    return height, width


def _resized(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask by nearest pixel in another size."""
    if mask.shape == shape:
        return mask
    rows, columns = (
        ((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, mask.shape, strict=True)
    )
    return mask[np.ix_(rows, columns)]
