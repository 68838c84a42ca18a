"""The mean of several weights of one network that were trained from the same start: a "model soup".

    python experiments/radiographs/soup.py runs/dhn_a/dhn.safetensors runs/dhn_b/dhn.safetensors --out runs/dhn_soup
    lungmtl evaluate dhn --data ../shared/data/cxr/jsrt --folds 0 --weights runs/dhn_soup/dhn.safetensors

Weights fine-tuned from one start often lie in one valley of the loss, and their mean is then about as good as that of their
predictions, at the cost of one network (Wortsman et al., *Model soups*, ICML 2022). The calibration is that of the first weights.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from safetensors.torch import load_file

from napari_lungmtl.training.inference.weights import ModelCard, read_card, save_weights

CALIBRATIONS = ("calibration", "global_calibration")


def main() -> None:
    """Write the mean with a card."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    cards = [read_card(path) for path in args.weights]
    if any(network_of(card) != network_of(cards[0]) for card in cards):
        parser.error("these are not weights of one network")
    states = [load_file(path) for path in args.weights]
    mean = {name: torch.stack([s[name].float() for s in states]).mean(0) for name in states[0]}
    named = ", ".join(f"{card.version} {card.sha256[:8]}" for card in cards)
    training = {**cards[0].training, "log": {**cards[0].training.get("log", {}), "mean_of": named}}
    path = save_weights(mean, dataclasses.replace(cards[0], training=training), args.out)
    print(f"{path}: the mean of {named}")


def network_of(card: ModelCard) -> tuple[str, dict[str, object]]:
    """What decides whether weights fit together: the configuration without what was fitted afterwards."""
    return card.name, {name: value for name, value in card.config.items() if name not in CALIBRATIONS}


if __name__ == "__main__":
    main()
