"""DHN's and MO-SegNet's comparisons, and torchvision's networks beside them, trained and judged on real radiographs.

    lungmtl simulate real --data ../shared/data --out runs/prepared_real --lungs mosegnet
    python experiments/radiographs/papers.py --prepared runs/prepared_real --out runs/papers \
        --data ../shared/data/cxr/jsrt ../shared/data/cxr/nih_boxed --only "dhn" "retinanet"

Every network sees as many radiographs of 512 pixels (``--radiographs``), half of them with nodules, four in ten of these put in.
What a network has of DHN's body and pyramid or of MO-SegNet's encoder begins as it ships, which fold 0 took no part in either; all
else, and DenseNet-121 and DeepLabV3 as a whole, from random numbers. Fold 0 is what is judged; who sets operating points sets
the threshold, for F1 and the like. Finished networks are kept: call it again to go on, or without ``--only`` for all.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from baselines import make_box_learner, make_deeplab_learner
from judging import Radiographs, print_tables, save_found

from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.learner import Learner
from napari_lungmtl.training.fitting.radiograph_sources import open_radiograph_sources
from napari_lungmtl.training.inference.predictor import ModelInfo
from napari_lungmtl.training.inference.registry import card, weights_path
from napari_lungmtl.training.inference.weights import load_state
from napari_lungmtl.training.networks.dhn import config as dhn
from napari_lungmtl.training.networks.dhn.predictor import DhnPredictor
from napari_lungmtl.training.networks.dhn.training import make_learner as dhn_learner
from napari_lungmtl.training.networks.mosegnet import config as mosegnet
from napari_lungmtl.training.networks.mosegnet.predictor import MosegnetPredictor
from napari_lungmtl.training.networks.mosegnet.training import make_learner as mosegnet_learner

HELD_OUT = ("0",)
PASTED = 0.4
LOW = (1.0, 3.0)
"""A calibration that keeps the order of scores and lets no mark fall under the floor at which predictors stop to list them."""
DHN_BATCH, MOSEGNET_BATCH = 8, 4
FOUND = "found.json"


@dataclass(frozen=True)
class Variant:
    """A network and its training: what differs from the shipped settings."""

    kind: str
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def _dhn(to_global: str, to_local: str, heads: str = "both") -> Variant:
    return Variant("dhn", {"heads": heads}, {"augment_global": to_global, "augment_local": to_local})


VARIANTS = {
    "dhn": Variant("dhn", {}, {"one_view": True}),
    "dhn global only": Variant("dhn", {"heads": "global"}, {"one_view": True}),
    "dhn local only": Variant("dhn", {"heads": "local"}, {"augment_local": "bin"}),
    "retinanet": Variant("retinanet", {}, {"one_view": True}),
    "fcos": Variant("fcos", {}, {"one_view": True}),
    "densenet121": Variant("densenet121", {}, {"one_view": True}),
    "mosegnet": Variant("mosegnet"),
    "mosegnet nodule only": Variant("mosegnet", {"tasks": "nodule"}),
    "mosegnet u-net": Variant("mosegnet", {"network": "unet"}),
    "mosegnet group norm": Variant("mosegnet", {"norm": "group"}),
    "mosegnet λ 0.99": Variant("mosegnet", {}, {"balance": 0.99}),
    "deeplabv3": Variant("deeplabv3", {"tasks": "nodule"}),
    "dhn bin, uni": _dhn("bin", "uni"),
    "dhn bin, bin": _dhn("bin", "bin"),
    "dhn uni, uni": _dhn("uni", "uni"),
    "dhn uni, bin": _dhn("uni", "bin"),
    "dhn id, id": _dhn("id", "id"),
}
"""``dhn`` is as shipped: both heads look at one view. The last five have the paper's two views."""
BODIES = {
    "dhn": ("dhn", ("body.", "pyramid."), ""),
    "retinanet": ("dhn", ("body.", "pyramid."), "net.backbone."),
    "fcos": ("dhn", ("body.", "pyramid."), "net.backbone."),
    "mosegnet": ("mosegnet", ("encoder.",), ""),
}
"""Kind -> whose weights it begins with, which of them, and under what name it has them."""
BOXES = ("dhn", "retinanet", "fcos", "densenet121")
"""Kinds that are trained on DHN's batches."""


def configs(variant: Variant, radiographs: int, seed: int) -> tuple[Any, Any]:
    """The network's configuration and its training's."""
    common = {"seed": seed, "ema": 0.99, "pasted": PASTED, "learning_rate": 1e-3}
    if variant.kind in BOXES:
        common |= {"steps": radiographs // DHN_BATCH, "batch": DHN_BATCH, "alpha": (1.0, 1.0)}
        network = dataclasses.replace(
            dhn.SHIPPED, calibration=LOW, global_calibration=(1.0, 0.0), **variant.network
        )
        return network, dataclasses.replace(dhn.SHIPPED_TRAINING, **common, **variant.training)
    common |= {"steps": radiographs // MOSEGNET_BATCH, "batch": MOSEGNET_BATCH}
    network = dataclasses.replace(mosegnet.SHIPPED, calibration=LOW, **variant.network)
    return network, dataclasses.replace(mosegnet.SHIPPED_TRAINING, **common, **variant.training)


def make_learner(kind: str, radiographs: Any, network: Any, config: Any) -> tuple[Learner[Any], Any]:
    """What `fit` drives."""
    if kind == "dhn":
        return dhn_learner(radiographs, network, config)
    if kind == "mosegnet":
        return mosegnet_learner(radiographs, network, config)
    if kind == "deeplabv3":
        return make_deeplab_learner(radiographs, network, config)
    return make_box_learner(kind, radiographs, network, config)


def give_body(learner: Learner[Any], kind: str) -> None:
    """Let a network and its moving average begin with the body that ships."""
    if kind not in BODIES:
        return
    owner, parts, prefix = BODIES[kind]
    state = load_state(weights_path(owner), card(owner))
    own = learner.net.state_dict()
    body = {prefix + name: tensor for name, tensor in state.items() if name.startswith(parts)}
    body = {name: tensor for name, tensor in body.items() if name in own and tensor.shape == own[name].shape}
    if not body:
        raise SystemExit(f"nothing of {owner} fits {kind}.")
    for net in {id(net): net for net in (learner.net, learner.trained)}.values():
        net.load_state_dict(body, strict=False)


def predictor_of(name: str, kind: str, net: Any) -> DhnPredictor | MosegnetPredictor:
    """What asks a network as the window does."""
    info = ModelInfo(name, name, "", ("CR", "DX"))
    made = DhnPredictor if kind in BOXES else MosegnetPredictor
    return made(net, info, torch.device("cpu"))


def run(name: str, seed: int, args: argparse.Namespace) -> None:
    """Train a variant and keep what it says of the radiographs that it never saw, unless that is there."""
    folder = args.out / f"{name.replace(' ', '_').replace(',', '')}_{seed}"
    if (folder / FOUND).exists():
        return
    variant = VARIANTS[name]
    network, config = configs(variant, args.radiographs, seed)
    sources = open_radiograph_sources(args.prepared, (), held_out=HELD_OUT, pasted=config.pasted)
    learner, loader = make_learner(variant.kind, sources.training, network, config)
    give_body(learner, variant.kind)
    begun = time.monotonic()
    net, _ = fit(learner, loader, folder, config, resume=(folder / "last.ckpt").exists())
    record = {
        "name": name,
        "seed": seed,
        "steps": config.steps,
        "radiographs": args.radiographs,
        "seconds": round(time.monotonic() - begun),
        "parameters": sum(p.numel() for p in net.parameters()),
        "trained_on": list(sources.training.cases),
    }
    unseen = Radiographs.unseen(args.data, frozenset(sources.training.cases), HELD_OUT)
    save_found(predictor_of(name, variant.kind, net), unseen.cases, folder / FOUND, record)
    print(f"{name}, seed {seed}: {config.steps} steps in {record['seconds']} s", flush=True)


def kept(out: Path) -> tuple[dict[str, list[Path]], frozenset[str]]:
    """The files that are there by variant, in the order of `VARIANTS`, and what the networks were trained on."""
    records = {path: json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob(f"*/{FOUND}"))}
    if not records:
        raise SystemExit(f"{out} holds no results.")
    trained = {frozenset(record["trained_on"]) for record in records.values()}
    seen = {record["radiographs"] for record in records.values()}
    if len(trained) > 1 or len(seen) > 1:
        raise SystemExit(
            f"the networks in {out} were not trained on the same radiographs, or not on as many."
        )
    by_name = {name: [p for p, r in records.items() if r["name"] == name] for name in VARIANTS}
    return {name: paths for name, paths in by_name.items() if paths}, trained.pop()


def main() -> None:
    """Train what is missing, then print the tables of what is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=Path, required=True, help="folder of 'lungmtl simulate real'")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="jsrt and nih_boxed")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--radiographs", type=int, default=6000, help="that every network sees")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--only", nargs="*", choices=VARIANTS, help="these networks; none for the tables alone"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed in args.seeds:
        for name in VARIANTS if args.only is None else args.only:
            run(name, seed, args)
    found, trained_on = kept(args.out)
    print_tables(found, Radiographs.unseen(args.data, trained_on, HELD_OUT))


if __name__ == "__main__":
    main()
