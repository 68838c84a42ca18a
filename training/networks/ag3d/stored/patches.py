"""Patches that passed the network's first part once: what lies behind it is then trained at a fraction of the time.

The first part (strides 1 and 2) is most of the work and sees textures that fine-tuning need not change. Its maps of some
thousand patches fit into memory as half-precision numbers (a quarter of a megabyte each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....data.arrays import open_arrays
from ....fitting.batches import Place, Seed
from ....fitting.hardness import Hardness
from ....inference.weights import WeightsError, load_state, read_card, seen_cases
from ..boosting import hardness_of_marks
from ..detect import normalise, read_off
from ..network import Ag3d
from ..patches import Patch, Patches

DrawItem = Callable[[np.random.Generator], dict[str, Any]]
"""Draws an item as `Store` gives them."""
DRAWN = 64
"""Patches that are drawn before their maps are made."""
NOTHING = np.zeros(0, np.float32)
FIRST = ("backbone.pre.", "backbone.encode1.", "backbone.transition1.")
"""What the names of the first part's tensors begin with (`Backbone.first`)."""


@dataclass(frozen=True, eq=False)
class Store:
    """Maps of N patches behind the first part.

    Parameters
    ----------
    first
        (N, C, w/4, w/4, w/4) float16 at stride 4.
    truth, ignore
        (M, 4) and (K, 4) spheres of each patch, in its voxel indices.
    source
        Number of each patch's cube, or −1.
    """

    first: np.ndarray
    truth: list[np.ndarray]
    ignore: list[np.ndarray]
    source: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return {
            "first": torch.from_numpy(self.first[i]),
            "truth": torch.from_numpy(self.truth[i]).float(),
            "ignore": torch.from_numpy(self.ignore[i]).float(),
            "source": int(self.source[i]),
        }

    def save(self, path: Path) -> None:
        """Write the maps for `load_store`, so that several trainings share them."""
        rows: dict[str, Any] = {name: _flat(getattr(self, name)) for name in ("truth", "ignore")}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npz")
        np.savez(partial, first=self.first, source=self.source, **rows)
        partial.replace(path)


def _flat(spheres: list[np.ndarray]) -> np.ndarray:
    """(ΣM, 5): the number of the patch before each sphere."""
    return np.concatenate([np.zeros((0, 5)), *(np.insert(s, 0, i, axis=1) for i, s in enumerate(spheres))])


def load_store(path: Path) -> Store:
    """Read what `Store.save` wrote."""
    with open_arrays(path) as f:
        first, source, rows = f["first"], f["source"], {name: f[name] for name in ("truth", "ignore")}
    spheres = {name: [table[table[:, 0] == i, 1:] for i in range(len(first))] for name, table in rows.items()}
    return Store(first, spheres["truth"], spheres["ignore"], source)


@torch.no_grad()
def draw_store(patches: Patches, net: Ag3d, count: int) -> Store:
    """Draw `count` patches and take them through the first part, which must not change any more."""
    rng = np.random.default_rng((patches.config.seed, count))
    width = patches.config.patch // net.config.strides[0]
    # One block for the maps, and nothing small kept while convolutions run: between their large temporary arrays it would
    # leave holes of nine megabytes for each patch.
    first = np.empty((count, net.config.pyramid_channels, *(width,) * 3), np.float16)
    labels: list[Patch] = []
    for start in range(0, count, DRAWN):
        drawn = [patches.draw(rng) for _ in range(min(DRAWN, count - start))]
        for i, patch in enumerate(drawn, start):
            x = normalise(torch.from_numpy(patch.hu)[None, None], net.config)
            first[i] = net.backbone.first(x.contiguous(memory_format=torch.channels_last_3d))[0].numpy()
        labels += [replace(patch, hu=NOTHING) for patch in drawn]
    return Store(
        first, [p.truth for p in labels], [p.ignore for p in labels], np.array([p.source for p in labels])
    )


class StoredPatches:
    """Draws batches out of a store; `hardness` weighs the patches once a pass measured it.

    Parameters
    ----------
    crops, crop_fraction
        Draws an item out of stored whole scans (`scans.crop_source`), and for which fraction of the items; no crops by default.
    """

    def __init__(
        self, store: Store, batch: int, crops: DrawItem | None = None, crop_fraction: float = 0.0
    ) -> None:
        self.store, self.batch = store, batch
        self.crops, self.crop_fraction = crops, crop_fraction
        self.hardness = Hardness(len(store))

    def __call__(self, place: Place, seed: Seed) -> dict[str, Any]:
        return collate_stored([self.draw(rng, place.step) for rng in place.generators(self.batch, seed)])

    def draw(self, rng: np.random.Generator, step: int = 0) -> dict[str, Any]:
        """Draw one crop or patch for a step."""
        if self.crops and rng.random() < self.crop_fraction:
            return self.crops(rng)
        return self.store[self.pick(rng, 1, step)[0]]

    def pick(self, rng: np.random.Generator, count: int, step: int = 0) -> list[int]:
        """Numbers of the patches that a step draws."""
        weight = 0.25 + self.hardness.at(step).astype(float)
        return rng.choice(len(self.store), size=count, p=weight / weight.sum()).tolist()

    @torch.no_grad()
    def measure(self, net: Ag3d, batch: int = 8) -> Tensor:
        """How badly a network does on each stored patch: (N,), 0–1."""
        device = next(net.parameters()).device
        found = []
        for start in range(0, len(self.store), batch):
            items = [self.store[i] for i in range(start, min(start + batch, len(self.store)))]
            marked = read_off(net, net.backbone.rest(collate_stored(items)["first"].to(device)))
            found += [
                hardness_of_marks(m, i["truth"], i["ignore"]) for m, i in zip(marked, items, strict=True)
            ]
        return torch.tensor(found)


def collate_stored(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a batch: maps at stride 4 (B, C, w/4, w/4, w/4), lists of spheres, sources."""
    batch: dict[str, Any] = {name: [item[name] for item in items] for name in ("truth", "ignore", "source")}
    first: list[Tensor] = [item["first"].float() for item in items]
    return {**batch, "first": torch.stack(first)}


def start_first(net: Ag3d, weights: Path) -> dict[str, Any]:
    """Give a network the first part of a weights' file and nothing else; gives what the new weights' card says of it.

    Raises
    ------
    WeightsError
        The file is missing or damaged, or its first part is of another shape.
    """
    card = read_card(weights)
    own = {name: t for name, t in net.state_dict().items() if name.startswith(FIRST)}
    state = {name: t for name, t in load_state(weights, card).items() if name.startswith(FIRST)}
    missing = {name for name in own if not name.endswith("num_batches_tracked")} - set(state)
    if missing or any(name not in own or own[name].shape != t.shape for name, t in state.items()):
        raise WeightsError(
            f"the first part of {weights} does not fit this network: take the stem, widths and bottleneck that its card has."
        )
    net.load_state_dict(state, strict=False)
    return {
        "first_part_from": f"{card.name} {card.version}, SHA-256 {card.sha256}",
        "earlier_cases": sorted(seen_cases(card)),
    }


def freeze_first(net: Ag3d) -> None:
    """Keep the first part as it is: no gradients, and batch statistics as they were learnt."""
    for part in (net.backbone.pre, net.backbone.encode1, net.backbone.transition1):
        part.requires_grad_(False)
        part.eval()
