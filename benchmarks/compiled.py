"""The networks as they run on a CPU beside `torch.compile` and AOTInductor: what a first call costs, what a further one gains.

Run: ``python benchmarks/compiled.py`` (``--threads 1 --rounds 5``; needs a C++ compiler). Each network and way runs in a process
of its own, with shipped weights, noise of one shape, and an empty cache of compiled code. Seconds are CPU time of the process
and of the compilers that it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.networks.ag3d.cpu.folded import FoldedAg3d
from napari_lungmtl.training.networks.ag3d.cpu.streamed import Streamed

FREEZING = {"freezing": True}
"""Weights as constants, so that norms are folded and convolutions laid out for the processor once."""
WAYS = ("as it runs", "torch.compile", "AOTInductor")
SIDE = 128
Network = tuple[nn.Module, tuple[Tensor, ...]]


class Part(nn.Module):
    """Tensors in, tensors out: what can be compiled of a network."""

    def __init__(self, net: nn.Module, work: Callable[..., Any]) -> None:
        super().__init__()
        self.net, self.work = net, work

    def forward(self, *inputs: Tensor) -> Any:
        """Run the part."""
        return self.work(self.net, *inputs)


def ag3d() -> Network:
    """Backbone and first branch on 128³ voxels; as it runs, in slabs with folded norms."""
    net = load_predictor("ag3d", "cpu").net
    x = torch.rand(1, 1, SIDE, SIDE, SIDE).contiguous(memory_format=torch.channels_last_3d)
    return Part(net, lambda n, x: n(x)), (x,)


def streamed(net: nn.Module, x: Tensor) -> Any:
    """3D-AG as it runs."""
    run = Streamed(FoldedAg3d(net.net), x.shape[2:])
    for z in range(0, SIDE, 32):
        run.push(x[0, 0, z : z + 32], z + 32 == SIDE)
    return run.rpn


def mtmr() -> Network:
    """One of five models on the 21 slices of a nodule of 8 mm."""
    net = next(iter(load_predictor("mtmr", "cpu").models.values()))
    x = torch.rand(21, net.config.channels, net.config.pixels, net.config.pixels)
    return Part(net, lambda n, x, s: n(x, s)), (
        x.contiguous(memory_format=torch.channels_last),
        torch.zeros(21),
    )


def mtcnn() -> Network:
    """One of five models on nine views of a nodule and their mirror images."""
    net = next(iter(load_predictor("mtcnn", "cpu").models.values()))
    x = torch.rand(4, 9, net.config.pixels, net.config.pixels)
    return Part(net, lambda n, x, d: n(x, d, reconstruct=False)[0]), (x, torch.full((4,), 8.0))


def nodule_masks() -> Network:
    """A nodule and its mirror images."""
    net = load_predictor("nodule_masks", "cpu").net
    x = torch.rand(net.config.views, 3, *(net.config.points,) * 3)
    return Part(net, lambda n, x: n(x)), (x.contiguous(memory_format=torch.channels_last_3d),)


def dhn() -> Network:
    """Body and pyramid on a radiograph: what lies before boxes."""
    net = load_predictor("dhn", "cpu").net
    return Part(net, lambda n, x: n.features(x)), (torch.rand(1, net.config.side, net.config.side),)


def mosegnet() -> Network:
    """A radiograph."""
    net = load_predictor("mosegnet", "cpu").net
    channels = 1 + bool(net.config.local_contrast)
    x = torch.rand(1, channels, net.config.side, net.config.side)
    return Part(net, lambda n, x: [t for t in n(x) if t is not None]), (
        x.contiguous(memory_format=torch.channels_last),
    )


NETWORKS: dict[str, Callable[[], Network]] = {
    "3D-AG": ag3d,
    "MTMR-Net": mtmr,
    "MT-CNN": mtcnn,
    "nodule masks": nodule_masks,
    "DHN": dhn,
    "MO-SegNet": mosegnet,
}


def used() -> float:
    """CPU seconds of this process and of those that it waited for, to a hundredth."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def ready(way: str, part: nn.Module, inputs: tuple[Tensor, ...], folder: Path) -> Callable[[], Any]:
    """What is called, in a way."""
    if way == "torch.compile":
        compiled = torch.compile(part, options=FREEZING)
        return lambda: compiled(*inputs)
    if way == "AOTInductor":
        exported = torch.export.export(part, inputs)
        package = torch._inductor.aoti_compile_and_package(
            exported, package_path=str(folder / "net.pt2"), inductor_configs=FREEZING
        )
        loaded = torch._inductor.aoti_load_package(package)
        return lambda: loaded(*inputs)
    if isinstance(part, Part) and hasattr(part.net, "fprn"):
        return lambda: streamed(part, *inputs)
    return lambda: part(*inputs)


@torch.no_grad()
def measured(name: str, way: str, rounds: int) -> dict[str, float]:
    """CPU and wall seconds until the first result, and the fewest CPU seconds of a further call."""
    part, inputs = NETWORKS[name]()
    part.eval()
    start, wall = used(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        call = ready(way, part, inputs, Path(folder))
        call()
        first = {"first": used() - start, "wall": time.perf_counter() - wall}
        times = []
        for _ in range(rounds):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
    return {**first, "call": min(times)}


def in_own_process(name: str, way: str, given: argparse.Namespace) -> dict[str, float]:
    """What `measured` gives, from a fresh interpreter without compiled code."""
    options = ["--one", name, way, "--threads", str(given.threads), "--rounds", str(given.rounds)]
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, *options],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache},
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "WAY"), help="one of them, as JSON")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.one:
        print(json.dumps(measured(*given.one, given.rounds)))
        return
    print(
        f"CPU seconds, {given.threads} threads, torch {torch.__version__}; as it runs: a call; others: first result, a call"
    )
    for name in given.only:
        results = {way: in_own_process(name, way, given) for way in WAYS}
        before = results[WAYS[0]]["call"]
        cells = [f"{before:.3f}"]
        for way in WAYS[1:]:
            first, call = results[way]["first"], results[way]["call"]
            gain = before - call
            pays = f"pays after {first / gain:,.0f} calls" if gain > 0 else "never pays"
            cells.append(f"{way} {first:.0f} ({results[way]['wall']:.0f} by the clock), {call:.3f} ({pays})")
        print(f"{name:14}" + "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
