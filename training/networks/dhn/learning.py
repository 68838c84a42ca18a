"""What DHN's local head learns from reviewed radiographs: the layer that scores each proposal; all before it stays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import clip_boxes_to_image

from ...data.errors import DatasetError
from ...data.public.open_radiographs import open_radiograph_cases
from ...data.public.radiograph_files import read_radiograph
from ...data.public.radiographs import RadiographCase
from ...imaging.image import Image
from ...imaging.radiograph.network_input import RadiographInput, make_radiograph_input
from ...inference.predictor import PredictorError
from ...inference.suitability import check_radiograph
from ...inference.weights import ModelCard
from ...learning.candidates import Candidates, Head, Outcome
from ...learning.known import KnownCase, outcome_of
from .local_head import LocalHead
from .predictor import DhnPredictor

LAYER = "local_head.score"
SETS = ("jsrt", "nih_boxed", "nih_clear")
"""Folders of real radiographs that the dev cases of the shipped weights come from."""


def local_head(predictor: DhnPredictor) -> LocalHead:
    """The head that learns.

    Raises
    ------
    PredictorError
        These weights have none.
    """
    if predictor.net.local_head is None:
        raise PredictorError("These weights of DHN have no local head: it is what learns.")
    return predictor.net.local_head


def candidates(predictor: DhnPredictor, image: Image, drawn: np.ndarray) -> Candidates:
    """Return what the RoI head was given of a radiograph as networks see it: the RPN's proposals, and boxes that a person marked.

    Parameters
    ----------
    drawn
        (D, 4): y0, x0, y1, x1 in the world.

    Raises
    ------
    PredictorError
        The image is no radiograph.
    """
    check_radiograph(image, "DHN")
    head = local_head(predictor)
    radiograph = make_radiograph_input(image, predictor.net.config.side)
    own = radiograph.from_world(drawn.reshape(-1, 2, 2))[..., ::-1].reshape(-1, 4)
    (hidden, logits, boxes), _ = predictor.run_with_cpu_fallback(
        lambda device: _look(predictor, head, radiograph, torch.from_numpy(own).float().to(device))
    )
    corners = boxes.numpy().astype(float)[:, [1, 0, 3, 2]].reshape(-1, 2, 2)
    places = radiograph.to_world(corners).reshape(-1, 4)
    asked = np.arange(len(places)) >= len(places) - len(own)
    places[asked] = drawn
    return Candidates(places, hidden.numpy(), logits.numpy().astype(float), asked)


def _look(
    predictor: DhnPredictor, head: LocalHead, radiograph: RadiographInput, own: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    pixels = torch.from_numpy(radiograph.pixels)[None].to(own.device)
    features = head.chosen(predictor.net.features(pixels))
    side = head.side_of(features)
    proposals = head.rpn.propose(features, side)[0]
    every = [torch.cat([proposals[0], own])]
    logits, boxes = head.judge(features, every)
    boxes = clip_boxes_to_image(boxes, (side, side))
    return head.hidden(features, every).cpu(), logits.cpu(), boxes.cpu()


def head(predictor: DhnPredictor) -> Head:
    """Return the layer that scores a proposal."""
    score = local_head(predictor).score
    return Head(score.weight[0].detach().cpu().double().numpy(), float(score.bias.detach()[0]))


def with_head(predictor: DhnPredictor, head: Head) -> dict[str, Tensor]:
    """Return the network's tensors with another such layer."""
    state = dict(predictor.net.state_dict())
    state[f"{LAYER}.weight"] = torch.from_numpy(head.weight).float()[None]
    state[f"{LAYER}.bias"] = torch.tensor([head.bias])
    return state


def known_cases(data: Path, card: ModelCard) -> list[KnownCase]:
    """List the real radiographs that the scores were calibrated on, as far as they are at hand."""
    return [KnownCase(case.name, partial(_outcome, case)) for case in dev_cases(data, card)]


def dev_cases(data: Path, card: ModelCard) -> list[RadiographCase]:
    """List those radiographs with boxes, or known to be clear, each once though it may lie in two sets."""
    names = {str(name) for name in card.training.get("dev_cases", ())}
    return list(
        {
            Path(case.name).name: case
            for case in _cases(data)
            if Path(case.name).name in names and (case.boxes is not None or case.positive is False)
        }.values()
    )


def _cases(data: Path) -> Iterator[RadiographCase]:
    for name in SETS:
        try:
            yield from open_radiograph_cases(data / "cxr" / name)
        except DatasetError:  # not all of the data need be here
            continue


def _outcome(case: RadiographCase, predictor: DhnPredictor) -> Outcome:
    image = read_radiograph(case)
    boxes = np.zeros((0, 4)) if case.boxes is None else np.asarray(case.boxes, float).reshape(-1, 4)
    corners = boxes[:, [1, 0, 3, 2]].reshape(-1, 2, 2)
    return outcome_of(case.name, image, predictor, image.to_world(corners - 0.5).reshape(-1, 4))
