"""Training of MTMR-Net: a Siamese pair on random slices, one model for each fold (§II-C, §III-A)."""

from __future__ import annotations

import math
from pathlib import Path

import lightning as L
import numpy as np
import torch
from torch import Tensor

from ...crossval.folds import FoldResult, tensors_of, train_folds, training_record
from ...crossval.release import CardText, calibrate, card_of, release_folds
from ...data.public.luna16_nodules import HU_LOW, HU_STEP
from ...data.public.rated_nodules import NEVER, RatedNodules, load_rated_nodules
from ...findings import ATTRIBUTES
from ...findings.lidc_scales import SCALE_MAX
from ...fitting.batches import Place, Seed, endless_loader
from ...fitting.fit import fit
from ...fitting.learner import Learner
from ...fitting.processes import is_first
from ...fitting.training_run import TrainingRun
from ...imaging.values import window_to_unit
from ...ops.nodule_size import standard_size
from ...ops.widths import check_width
from .config import PLANES, SHIPPED, Config, TrainingConfig
from .loss import classification_loss, ranking_loss, regression_loss
from .network import Mtmr
from .nodule_prediction import predict_nodules
from .patches import cut, neighbours, side


class Balanced:
    """Draws batches of positions; malignant and benign nodules equally often, ambiguous ones by their fraction (§III-A 3)."""

    def __init__(self, label: np.ndarray, batch: int) -> None:
        ambiguous = float((label == -1).mean())
        clear = (1 - ambiguous) / 2
        weight = np.array([ambiguous if k < 0 else clear for k in label])
        count = np.array([(label == k).sum() for k in label])
        self.probability = weight / count / (weight / count).sum()
        self.batch = batch

    def __call__(self, place: Place, seed: Seed) -> Tensor:
        drawn = [
            rng.choice(len(self.probability), p=self.probability)
            for rng in place.generators(self.batch, seed)
        ]
        return torch.tensor(drawn)


class Training(Learner[Mtmr]):
    """One fold's model.

    Parameters
    ----------
    nodules
        What to train on; the fold to leave out is not among them.
    """

    config: TrainingConfig
    cubes: Tensor
    center: Tensor
    diameter: Tensor
    attributes: Tensor
    grade: Tensor

    def __init__(self, network: Config, config: TrainingConfig, nodules: RatedNodules) -> None:
        super().__init__(Mtmr(network, config.dropout).to(memory_format=torch.channels_last), config)
        scale = np.array([SCALE_MAX[a] - 1 for a in ATTRIBUTES])
        tensors = {
            # Half a gigabyte, and a third of a step's time saved.
            "cubes": window_to_unit(
                torch.from_numpy(nodules.voxels).float() * HU_STEP + HU_LOW, *network.hu_range
            ),
            "center": torch.from_numpy(nodules.center).float(),
            "diameter": torch.from_numpy(nodules.diameter).float(),
            "attributes": torch.from_numpy((nodules.attributes - 1) / scale).float(),
            "grade": torch.from_numpy((nodules.malignancy("mean") - 1) / 4).float(),
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor, persistent=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW with decay on everything; the paper has Adam with an L2 term."""
        return torch.optim.AdamW(
            self.net.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )

    def learning_rate(self) -> float:
        """Warm-up over 5 %, then a cosine to zero."""
        warm_up = min(1.0, (self.progress + 1e-3) / 0.05)
        return self.config.learning_rate * warm_up * 0.5 * (1 + math.cos(math.pi * self.progress))

    def training_step(self, chosen: Tensor, _index: int) -> Tensor:
        """Loss of one batch (eq. 5)."""
        config = self.config
        patches, size = self.batch(chosen)
        logit, attributes = self.net(patches, size)
        grade = self.grade[chosen]
        losses = {
            "classification": config.classification * classification_loss(logit, grade, config.soft_labels),
            "regression": config.regression
            * regression_loss(attributes, self.attributes[chosen], config.attribute_loss),
            "ranking": config.ranking * ranking_loss(torch.sigmoid(logit), grade, config.margin),
        }
        self.log_dict({k: v.detach() for k, v in losses.items()}, batch_size=len(chosen))
        return losses["classification"] + losses["regression"] + losses["ranking"]

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """A random slice of each nodule, moved, zoomed, turned and mirrored, with its `standard_size`."""
        config, network = self.config, self.net.config
        n, device = len(chosen), chosen.device

        def normal(sd: float, *shape: int) -> Tensor:
            return torch.randn(n, *shape, device=device) * sd

        diameter = self.diameter[chosen] * normal(config.zoom).clamp(-0.15, 0.15).exp()
        center = self.center[chosen] + normal(config.jitter, 3) * diameter.clamp(max=12.0)[:, None]
        offset = (torch.rand(n, device=device) - 0.5) * 0.8 * diameter
        planes = torch.tensor([PLANES.index(p) for p in network.planes], device=device)
        plane = planes[torch.randint(len(planes), (n,), device=device)][:, None].expand(-1, network.channels)
        sides = side(diameter, network) * normal(config.zoom).exp()
        angle = torch.rand(n, device=device) * 2 * math.pi
        x = cut(
            self.cubes[chosen],
            center,
            neighbours(offset, diameter, network),
            plane,
            sides,
            network.pixels,
            angle,
        )
        mirrored = torch.rand(n, device=device) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        x = x + normal(0.03, 1, 1, 1) + torch.randn_like(x) * 0.01
        return x.contiguous(memory_format=torch.channels_last), standard_size(diameter)


def fit_fold(
    fold: str, nodules: RatedNodules, network: Config, config: TrainingConfig, run: TrainingRun
) -> FoldResult | None:
    """Train without a fold, then predict it in the first process."""
    L.seed_everything(config.seed, verbose=False)
    chosen = nodules.take((nodules.fold != fold) & (nodules.fold != NEVER))
    learner = Training(network, config, chosen)
    loader = endless_loader(Balanced(chosen.label("mean"), config.batch), 0, config.seed)
    log = f"fold{fold}.log.jsonl"
    net, _ = fit(learner, loader, run.out, config, machines=run.machines, log=log, in_a_row=True)
    if not is_first():
        return None
    held_out = nodules.take(nodules.fold == fold)
    predictions = predict_nodules(net, held_out) if len(held_out) else {}
    return FoldResult(tensors_of(net), predictions)


def train(run: TrainingRun) -> Path:
    """Train five models and write them with out-of-fold predictions and a card.

    Parameters
    ----------
    run
        Its data are nodule cubes with readers' ratings and ``folds.csv`` (`load_rated_nodules`); its folder gets ``fold<k>.*``,
        ``oof.csv``, ``mtmr.safetensors`` and ``mtmr.json``. Resumed, it keeps the folds that are finished.
    """
    network, config = run.configs(SHIPPED, TrainingConfig())
    check_width(network.width)
    nodules = load_rated_nodules(run.data)
    results, minutes = train_folds(
        run.out, lambda fold: fit_fold(fold, nodules, network, config, run), resume=run.resume
    )
    text = CardText(
        "mtmr",
        run.version,
        "Says how likely a nodule is malignant and rates the eight LIDC attributes, slice by slice.",
        field="50 mm cube around the sphere, cut to its diameter",
        limits=(
            "Under 3 mm and over 30 mm it has seen next to nothing; internal structures other than soft tissue were too rare.",
        ),
    )
    calibration = calibrate(nodules, results, run.out, attributes=True)
    record = training_record(nodules, config, {"steps": config.steps, "minutes": minutes})
    return release_folds(card_of(text, network, calibration, record), results, run.data, run.out)
