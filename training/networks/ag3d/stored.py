"""Patches that passed the network's first part once: what lies behind it is then trained at a fraction of the time.

The first part (strides 1 and 2) is most of the work and sees textures that fine-tuning need not change. Its maps of some
thousand patches fit into memory as half-precision numbers (a quarter of a megabyte each).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from .detect import normalise
from .network import Ag3d
from .patches import Patches


class StoredPatches(IterableDataset):
    """Endless patches out of a store, in the order of chance.

    Parameters
    ----------
    patches
        Where they come from.
    net
        Its first part must not change any more.
    count
        How many are stored.
    """

    def __init__(self, patches: Patches, net: Ag3d, count: int) -> None:
        rng = np.random.default_rng((patches.config.seed, count))
        self.seed = patches.config.seed
        self.items = [_stored(patches, net, rng) for _ in range(count)]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        while True:
            yield self.items[int(rng.integers(len(self.items)))]


@torch.no_grad()
def _stored(patches: Patches, net: Ag3d, rng: np.random.Generator) -> dict[str, Any]:
    patch = patches.draw(rng)
    x = normalise(torch.from_numpy(patch.hu)[None, None], net.config)
    return {
        "first": net.backbone.first(x.contiguous(memory_format=torch.channels_last_3d))[0].half(),
        "truth": torch.from_numpy(patch.truth).float(),
        "ignore": torch.from_numpy(patch.ignore).float(),
        "source": patch.source,
    }


def collate_stored(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a batch: maps at stride 4 (B, C, w/4, w/4, w/4), lists of spheres, sources."""
    batch: dict[str, Any] = {name: [item[name] for item in items] for name in ("truth", "ignore", "source")}
    first: list[Tensor] = [item["first"].float() for item in items]
    return {**batch, "first": torch.stack(first)}


def freeze_first(net: Ag3d) -> None:
    """Keep the first part as it is: no gradients, and batch statistics as they were learnt."""
    for part in (net.backbone.pre, net.backbone.encode1, net.backbone.transition1):
        part.requires_grad_(False)
        part.eval()
