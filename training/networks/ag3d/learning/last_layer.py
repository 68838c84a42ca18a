"""What 3D-AG learns from reviewed scans: the last layer of the second branch (FPRN); all before it stays."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ....data.public.luna16_nodules import NoduleCube, load_cubes, to_hu
from ....imaging.ct.lung_field import lung_field
from ....imaging.image import Image
from ....inference.predictor import finish
from ....inference.suitability import check_ct
from ....inference.weights import ModelCard
from ....learning.candidates import Candidates, Head, Outcome
from ....learning.known import KnownCase, marks_outcome
from ....learning.places import hits
from ..config import SHIPPED_TRAINING, Config, is_dev
from ..detect import PaddedVolume
from ..marking.trace import Seen
from ..predictor import Ag3dPredictor, prepare

LAYER = "fprn.classifier.3"


def candidates(predictor: Ag3dPredictor, image: Image, drawn: np.ndarray) -> Candidates:
    """Return what the second branch was given of a CT: the RPN's proposals, and spheres that a person marked.

    Parameters
    ----------
    drawn
        (D, 4): z, y, x, diameter in the world.

    Raises
    ------
    PredictorError
        The image is no CT volume.
    NoLungFoundError
        There is no lung in it.
    """
    check_ct(image, "3D-AG", "detects")
    volume, _ = prepare(image, lung_field(image))
    padded = PaddedVolume(volume.voxels)
    seen = finish(predictor.detect_volume(padded))
    return seen_candidates(predictor, seen, volume, padded.offset, drawn)


def seen_candidates(
    predictor: Ag3dPredictor, seen: Seen, volume: Image, offset: np.ndarray, drawn: np.ndarray
) -> Candidates:
    """Return the candidates of a volume that the network has seen.

    Parameters
    ----------
    volume, offset
        At 1 mm, and the place (3,) of its first voxel in what the network saw.
    """
    found = seen.reading.proposals
    own = np.column_stack([volume.to_index(drawn[:, :3]) + offset, drawn[:, 3]])
    spheres = torch.cat([found.spheres.cpu(), torch.from_numpy(own).float()])
    levels = torch.cat([found.levels.cpu(), _levels(own[:, 3], predictor.net.config)])
    fprn = predictor.net.fprn
    device = next(fprn.parameters()).device
    rows = torch.cat([spheres, levels[:, None].float()], 1).to(device)
    with torch.inference_mode():
        hidden = fprn.hidden([m.to(device) for m in seen.pyramid], [rows])
        logits = fprn.classifier[-1](hidden)[:, 0]
    places = np.column_stack([volume.to_world(spheres[:, :3].numpy() - offset), spheres[:, 3].numpy()])
    asked = np.arange(len(places)) >= len(found.spheres)
    return Candidates(places, hidden.cpu().numpy(), logits.cpu().numpy().astype(float), asked)


def _levels(diameters: np.ndarray, config: Config) -> Tensor:
    """(D,) the level whose anchors are nearest in size."""
    sizes = np.array([np.log(config.anchors[level]).mean() for level in config.levels])
    nearest = np.abs(np.log(np.maximum(diameters, 1e-3))[:, None] - sizes).argmin(1)
    return torch.tensor(np.array(config.levels)[nearest], dtype=torch.long).reshape(-1)


def head(predictor: Ag3dPredictor) -> Head:
    """Return the last layer of the second branch."""
    layer = cast(nn.Linear, predictor.net.fprn.classifier[-1])
    return Head(layer.weight[0].detach().cpu().double().numpy(), float(layer.bias.detach()[0]))


def with_head(predictor: Ag3dPredictor, head: Head) -> dict[str, Tensor]:
    """Return the network's tensors with another such layer."""
    state = dict(predictor.net.state_dict())
    state[f"{LAYER}.weight"] = torch.from_numpy(head.weight).float()[None]
    state[f"{LAYER}.bias"] = torch.tensor([head.bias])
    return state


def known_cases(data: Path, card: ModelCard) -> list[KnownCase]:
    """List the nodule cubes that the scores were calibrated on, where they are at hand."""
    folder = data / "luna16_nodules"
    if not (folder / "cubes.npz").is_file():
        return []
    tested = {str(fold) for fold in card.training.get("test_folds", ())}
    seen = set(card.training.get("series", ()))
    cubes = [
        cube
        for cube in load_cubes(folder)
        if cube.fold not in tested and cube.series in seen and is_dev(cube.series, SHIPPED_TRAINING)
    ]
    return [
        KnownCase(f"cube {i} of {cube.series}", partial(_outcome, f"cube {i} of {cube.series}", cube))
        for i, cube in enumerate(cubes)
    ]


def _outcome(name: str, cube: NoduleCube, predictor: Ag3dPredictor) -> Outcome:
    """What is marked in a cube; marks on findings that count neither way are left out."""
    ((spheres, scores),) = predictor.detect_cubes([to_hu(cube.voxels)])
    inside, there = (
        np.all((at[:, :3] >= 0) & (at[:, :3] < cube.voxels.shape), axis=1) for at in (cube.truth, spheres)
    )
    truth, partly = cube.truth[inside], np.concatenate([cube.truth[~inside], cube.excluded])
    on_truth, on_other = (hits(spheres, targets, planar=False).any(1) for targets in (truth, partly))
    counts = there & (on_truth | ~on_other)
    return marks_outcome(name, spheres[counts], scores[counts], truth, planar=False)
