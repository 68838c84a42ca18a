"""What MT-CNN trains on and is measured on: points in cubes with what is known about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...crossval.folds import FOLDS
from ...data.public.luna16_nodules import to_hu
from ...data.public.rated_nodules import RatedNodules
from ...imaging.values import window_to_unit
from .config import Config, TrainingConfig
from .network import MtCnn
from .views import AXES, offsets, sample_views


@dataclass(frozen=True)
class Samples:
    """N points in M cubes.

    Parameters
    ----------
    cubes
        (M, d, h, w) uint8 in steps of 8 HU. A few scans are stored with x and y reversed: their views are turned by 180°, as
        augmentation turns any.
    cube, center
        (N,) which cube, and (N, 3) voxel index of the point in it.
    target
        (N,) float32 to train on, 0…1, NaN where the class is left out.
    label
        (N,) 1, 0, −1 to measure with.
    series, fold
        (N,) of the scan.
    diameter
        (N,) mm.
    masks
        (M, d, h, w) bool, or None where no network draws them.
    """

    cubes: np.ndarray
    cube: np.ndarray
    center: np.ndarray
    target: np.ndarray
    label: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    diameter: np.ndarray
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.cube)

    def of_fold(self, fold: str) -> np.ndarray:
        """Indices of the samples of a fold."""
        return np.flatnonzero(self.fold == fold)

    def without_fold(self, fold: str) -> np.ndarray:
        """Indices of what the model of a fold may be trained on: the other folds, and never ``never``."""
        return np.flatnonzero(np.isin(self.fold, [f for f in FOLDS if f != fold]))


def nodule_samples(nodules: RatedNodules, config: TrainingConfig, masks: np.ndarray | None = None) -> Samples:
    """One sample for each nodule with the readers' malignancy as its target; masks (n, d, h, w) where they are drawn."""
    label = nodules.label(config.rule)
    if config.target == "grade":
        target = (nodules.malignancy("mean") - 1) / 4
    elif config.target == "votes":
        target = np.array([np.nanmean((np.sign(r.values[:, 8] - 3) + 1) / 2) for r in nodules.ratings])
    else:
        target = np.where(label < 0, np.nan, label)
    return Samples(
        nodules.voxels,
        np.arange(len(nodules)),
        nodules.center,
        target.astype(np.float32),
        label,
        nodules.series,
        nodules.fold,
        nodules.diameter,
        masks,
    )


def views_of(samples: Samples, chosen: np.ndarray, config: Config, where: Tensor, shift: Tensor) -> Tensor:
    """(B, V, n, n) views of some samples, 0…1, around their centres moved by `shift` (B, 3) mm."""
    cubes = torch.from_numpy(to_hu(samples.cubes[samples.cube[chosen]]))
    centers = torch.from_numpy(samples.center[chosen]).float() + shift
    return sample_views(window_to_unit(cubes.float(), *config.hu_range), centers, where)


def masks_of(samples: Samples, chosen: np.ndarray, where: Tensor, shift: Tensor) -> Tensor:
    """(B, V, n, n) masks of some samples, 0…1, where `views_of` has their views."""
    assert samples.masks is not None
    masks = torch.from_numpy(samples.masks[samples.cube[chosen]]).float()
    return sample_views(masks, torch.from_numpy(samples.center[chosen]).float() + shift, where)


def random_views(
    samples: Samples, chosen: np.ndarray, config: Config, training: TrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """Augmented views (B, V, n, n) of some samples: shifted, zoomed, mirrored, turned, with other noise and offset.

    V is nine, or for a network of all views `TrainingConfig.views_per_step` different ones of each sample. With them their masks,
    where the network draws them.
    """
    batch, n = len(chosen), config.pixels

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator) * 2 - 1

    axes = torch.from_numpy(AXES).float().expand(batch, -1, -1, -1)
    if config.shared_views and training.views_per_step < len(AXES):
        order = torch.rand(batch, len(AXES), generator=generator).argsort(1)[:, : training.views_per_step]
        axes = axes[torch.arange(batch)[:, None], order]
    axes = turned(axes, training.turn, generator)
    along = ((torch.arange(n) + 0.5) / n - 0.5) * config.field_mm
    along = along * (1 + training.zoom * uniform(batch, 1))
    where = (
        along[:, None, :, None, None] * axes[:, :, 0, None, None]
        + along[:, None, None, :, None] * axes[:, :, 1, None, None]
    )
    shift = training.shift_mm * uniform(batch, 3)
    views = views_of(samples, chosen, config, where, shift)
    span = config.hu_range[1] - config.hu_range[0]
    if training.noise_hu:
        strength = torch.rand(batch, 1, 1, 1, generator=generator) * training.noise_hu / span
        views = views + strength * torch.randn(views.shape, generator=generator)
    if training.offset_hu:
        views = views + uniform(batch, 1, 1, 1) * training.offset_hu / span
    return views.clamp(0, 1), masks_of(samples, chosen, where, shift) if config.masks else None


def turned(axes: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """Directions (B, V, 2, 3) of rows and columns, mirrored at random and turned as `TrainingConfig.turn` says."""
    shape = axes.shape[:2]
    axes = axes * torch.randn(*shape, 2, 1, generator=generator).sign()
    if how == "space":
        first, second = torch.randn(2, *shape, 3, generator=generator)
        first = F.normalize(first, dim=-1)
        second = F.normalize(second - (second * first).sum(-1, keepdim=True) * first, dim=-1)
        return torch.stack([first, second], 2)
    if how == "quarter":
        swap = torch.rand(*shape, 1, 1, generator=generator) < 0.5
        return torch.where(swap, axes.flip(2), axes)
    angle = 2 * torch.pi * torch.rand(*shape, 1, generator=generator)
    rows, columns = axes.unbind(2)
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([cosine * rows + sine * columns, cosine * columns - sine * rows], 2)


def random_diameters(samples: Samples, chosen: np.ndarray, generator: torch.Generator) -> Tensor:
    """(B,) mm, off by up to 15 %, as a person's or a detector's are."""
    off = (0.08 * torch.randn(len(chosen), generator=generator)).clamp(-0.15, 0.15)
    return torch.from_numpy(samples.diameter[chosen]).float() * off.exp()


def view_probabilities(
    net: MtCnn, samples: Samples, chosen: np.ndarray, device: torch.device, batch: int = 32
) -> np.ndarray:
    """(len(chosen), 9) p_v of some samples, without augmentation."""
    net.eval()
    where = torch.from_numpy(offsets(net.config.field_mm, net.config.pixels)).float()
    parts = [
        net.probabilities(
            views_of(samples, part, net.config, where, torch.zeros(len(part), 3)).to(device),
            torch.from_numpy(samples.diameter[part]).float(),
        ).cpu()
        for part in np.array_split(chosen, max(1, -(-len(chosen) // batch)))
    ]
    return torch.cat(parts).double().numpy()
