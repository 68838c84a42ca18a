"""Batches of varied radiographs with their labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional
from torch.utils.data import default_collate

from ...data.public.radiographs import RadiographSample, RadiographSamples
from ...fitting.batches import Place, Seed
from ...fitting.radiograph_draws import draw_radiographs
from ...ops.boxes import window_corner
from ...ops.masks import ellipses
from .augment import augment, augment_unsided
from .augmentation import Augmentation
from .config import Config

Sample = dict[str, Tensor]


class Samples:
    """Draws batches of samples: of whole radiographs, or in turn of them and of windows.

    Parameters
    ----------
    radiographs
        Where they are drawn from.
    batch
        Radiographs in each.

    Attributes
    ----------
    side
        Pixels that the next batches' radiographs have (shared with the processes that draw).
    """

    def __init__(
        self,
        radiographs: RadiographSamples,
        network: Config,
        how: Augmentation,
        batch: int,
        crop: int = 0,
    ) -> None:
        self.radiographs, self.network, self.how, self.crop = radiographs, network, how, crop
        self.batch = batch
        self.side = torch.tensor(network.side).share_memory_()

    def __call__(self, place: Place, seed: Seed) -> Sample:
        network = replace(self.network, side=int(self.side))
        windows = 0 < self.crop < network.side and place.step % 2 == 1
        # As many pixels as in a batch of whole radiographs.
        count = 2 * round(self.batch * (network.side / self.crop) ** 2 / 2) if windows else self.batch
        samples = []
        for radiograph, rng in draw_radiographs(self.radiographs, count, place, seed):
            one = varied(radiograph, network, self.how, rng)
            samples.append(window(one, self.crop, rng) if windows else one)
        return default_collate(samples)


def window(sample: Sample, side: int, rng: np.random.Generator) -> Sample:
    """Cut a window out of a varied sample, around one of its nodules or anywhere; its lungs train nothing."""
    nodules, _ = ndimage.label(sample["lesions"].numpy() == 1)
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(nodules)]
    x, y = window_corner(np.array(boxes).reshape(-1, 4), sample["lesions"].shape[-1], side, rng)
    cut = {
        name: value[..., y : y + side, x : x + side].contiguous() if value.ndim > 1 else value
        for name, value in sample.items()
    }
    return cut | {"lungs_known": torch.tensor(False)}


def label_stack(radiograph: RadiographSample, network: Config) -> np.ndarray:
    """Labels as float32 (3 + lesions, h, w): right lung, left lung (or both in the first), each lesion, and last what is
    uncertain of the nodule; 0 where unknown.

    Where only boxes of nodules are known, the ellipses in them stand for the nodules (the paper found rectangles good enough).
    """
    size = radiograph.pixels.shape
    stack = np.zeros((3 + len(network.lesions), *size), np.float32)
    if radiograph.lungs is not None:
        stack[: len(radiograph.lungs)] = radiograph.lungs
    stack[2] = ellipses(radiograph.boxes, size) if radiograph.nodules is None else radiograph.nodules
    for channel, name in enumerate(network.lesions[1:], 3):
        if name in radiograph.lesions:
            stack[channel] = radiograph.lesions[name]
    if radiograph.uncertain is not None:
        stack[-1] = radiograph.uncertain
    return stack


def varied(
    radiograph: RadiographSample, network: Config, how: Augmentation | None, rng: np.random.Generator
) -> Sample:
    """A sample: pixels (1, h, w), classes of lesions and lungs (h, w), and what of them is known.

    Parameters
    ----------
    how
        None leaves the radiograph as it is.
    """
    pixels, labels = at_side(network.side, radiograph.pixels, label_stack(radiograph, network))
    if how is None:
        labels = labels > 0.5
    elif radiograph.sides:
        pixels, labels = augment(pixels, labels, rng, how)
    else:
        pixels, labels = augment_unsided(pixels, labels, rng, how)
    return {
        "pixels": torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None],
        "lesions": torch.from_numpy(classes(labels[2:-1])),
        "uncertain": torch.from_numpy(np.ascontiguousarray(labels[-1])),
        "lesions_known": torch.tensor(radiograph.nodule_known),
        "lungs": torch.from_numpy(classes(labels[:2])),
        "lungs_known": torch.tensor(radiograph.lungs is not None),
        "sides": torch.tensor(radiograph.sides),
    }


def at_side(side: int, pixels: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radiograph and labels at the network's size (bilinear): a network for 1024 sees radiographs of 512 enlarged, as it will in
    use."""
    if pixels.shape == (side, side):
        return pixels, labels
    stack = torch.from_numpy(np.concatenate([pixels[None], labels]).astype(np.float32))
    sized = functional.interpolate(stack[None], (side, side), mode="bilinear", antialias=True)[0].numpy()
    return sized[0], sized[1:]


def classes(masks: np.ndarray) -> np.ndarray:
    """Masks (n, h, w) as classes int64 (h, w): 0 background, then 1 … n; the first of two that overlap."""
    return np.where(masks.any(0), masks.argmax(0) + 1, 0)
