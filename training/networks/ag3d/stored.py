"""Patches that passed the network's first part once: what lies behind it is then trained at a fraction of the time.

The first part (strides 1 and 2) is most of the work and sees textures that fine-tuning need not change. Its maps of some
thousand patches fit into memory as half-precision numbers (a quarter of a megabyte each).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from .detect import normalise
from .network import Ag3d
from .patches import Patch, Patches

DRAWN = 64
"""Patches that are drawn before their maps are made."""
NOTHING = np.zeros(0, np.float32)


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
        # One block for the maps, and nothing small kept while convolutions run: between their large temporary arrays it would
        # leave holes of nine megabytes for each patch.
        self.first = torch.empty((count, *_first(net, patches.draw(rng)).shape), dtype=torch.half)
        self.labels: list[Patch] = []
        for start in range(0, count, DRAWN):
            drawn = [patches.draw(rng) for _ in range(min(DRAWN, count - start))]
            for i, patch in enumerate(drawn, start):
                self.first[i] = _first(net, patch)
            self.labels += [dataclasses.replace(patch, hu=NOTHING) for patch in drawn]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        while True:
            i = int(rng.integers(len(self.labels)))
            patch = self.labels[i]
            yield {
                "first": self.first[i],
                "truth": torch.from_numpy(patch.truth).float(),
                "ignore": torch.from_numpy(patch.ignore).float(),
                "source": patch.source,
            }


@torch.no_grad()
def _first(net: Ag3d, patch: Patch) -> Tensor:
    """What lies behind the first part: (C, w/4, w/4, w/4)."""
    x = normalise(torch.from_numpy(patch.hu)[None, None], net.config)
    return net.backbone.first(x.contiguous(memory_format=torch.channels_last_3d))[0]


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
