"""3D-AG's comparisons in the form of the paper's Tables II and III: train every row, measure it on the fold left out, print.

    python experiments/ag3d/tables.py --data ../shared/data/luna16_nodules --out runs/ag3d_tables --minutes 2

A row is a settings file beside this script (``lungmtl train ag3d --config`` takes it, too). All rows have the same folds, seed
and minutes on the clock, or, where the machine has other work, as many voxels (``--steps``). By default what is trained lies
behind stored maps of the shipped network's first part, which no row changes, and begins from random numbers
(`TrainingConfig.keep`): ``--stored`` says how many patches of 64³ are stored, of wider ones as many voxels; with ``--stored 0``
rows train from scratch. Run it again to go on where it stopped: finished rows are kept, an unfinished one goes on from its
checkpoint (by minutes) or begins again (by steps). Without a budget it prints what is there.

Sensitivities are at false positives per whole cube of about 0.084 l, CPM their mean at LUNA16's seven rates: neither is
LUNA16's figure per scan. "max" is the sensitivity over all marks. TNP: scans of the fold without a mark in any nodule-free
corner of their cubes, at the score where the sensitivity on whole cubes reaches 0.95. Intervals: 95 %, 1,000 bootstrap samples
over scans.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import BANDS, BRANCHES, all_figures, save_marks
from rows import EVERY, MERGED_ROWS, OTHERS, TABLE_II, TABLE_III

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, load_cubes, to_hu
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.fitting.training_run import config_from, read_settings
from napari_lungmtl.training.inference.registry import weights_path
from napari_lungmtl.training.inference.weights import load_network, read_card, save_weights
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, SHIPPED_TRAINING, Config, TrainingConfig
from napari_lungmtl.training.networks.ag3d.detect import Detections, detect_arrays
from napari_lungmtl.training.networks.ag3d.network import Ag3d
from napari_lungmtl.training.networks.ag3d.patches import Patches
from napari_lungmtl.training.networks.ag3d.release import card_of
from napari_lungmtl.training.networks.ag3d.stored.patches import Store, draw_store, load_store, start_first
from napari_lungmtl.training.networks.ag3d.training import make_learner, training_cubes
from napari_lungmtl.training.report.tables import Table, markdown

ROWS = Path(__file__).parent
RATES_SHOWN = ["1/64", "1/8", "1/4", "1/2", "1", "2", "4", "8"]


@dataclasses.dataclass(frozen=True)
class Budget:
    """What every row gets, kept in ``budget.json``: rows of different budgets do not belong into one table."""

    minutes: float
    steps: int
    stored: int
    seed: int
    fold: int
    first_part: str

    def __bool__(self) -> bool:
        """Whether there is anything to train with."""
        return bool(self.minutes or self.steps)

    def configs(self, name: str) -> tuple[Config, TrainingConfig]:
        """A row's network and training."""
        settings = read_settings(ROWS / f"{name}.toml")
        network = config_from(SHIPPED, settings.get("network", {}))
        training = config_from(SHIPPED_TRAINING, settings.get("training", {}))
        stored = round(self.stored * (64 / training.patch) ** 3)
        steps = round(self.steps * 4 * 64**3 / (training.batch * training.patch**3))
        # The shipped average reaches back 500 steps, further than a short schedule's beginning.
        return network, dataclasses.replace(
            training,
            minutes=self.minutes,
            steps=steps,
            stored=stored,
            keep="first",
            ema=0.98,
            seed=self.seed,
            test_folds=(self.fold,),
        )


def agreed(out: Path, budget: Budget) -> Budget:
    """The budget of the folder, which a first run fixes.

    Raises
    ------
    SystemExit
        The folder's rows had another one.
    """
    path = out / "budget.json"
    if not path.exists():
        if not budget:
            raise SystemExit(f"{out} holds no rows yet: give --minutes or --steps to train them.")
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(budget), indent=1))
    there = Budget(**json.loads(path.read_text("utf-8")))
    if budget and budget != there:
        raise SystemExit(
            f"The rows in {out} had {there}, not {budget}: give the same budget to go on, or another --out."
        )
    return there


def store_of(out: Path, cubes: Sequence[NoduleCube], config: TrainingConfig, weights: Path) -> Store | None:
    """The stored maps of a width, drawn by the first row that needs them."""
    if not config.stored:
        return None
    path = out / f"stored_{config.patch}.npz"
    if not path.exists():
        print(f"storing {config.stored} patches of {config.patch}", flush=True)
        net = Ag3d(SHIPPED).to(memory_format=torch.channels_last_3d)
        start_first(net, weights)
        draw_store(Patches(cubes, [], config, Hardness(len(cubes))), net.eval(), config.stored).save(path)
    return load_store(path)


def train_row(name: str, data: Path, out: Path, budget: Budget, weights: Path) -> Path:
    """Train a row, or go on; gives its weights."""
    network, config = budget.configs(name)
    cubes, folder = training_cubes(data, config), out / name
    store = store_of(out, cubes.training, config, weights)
    learner, loader = make_learner(
        cubes.training, network, config, weights=weights if store else None, store=store
    )
    net, log = fit(learner, loader, folder, config, resume=(folder / "last.ckpt").exists())
    return save_weights(
        net.state_dict(), card_of(network, config, cubes, f"0.0-{name}", log | learner.begun), folder
    )


def mark_cubes(weights: Path, cubes: Sequence[NoduleCube], batch: int = 8) -> list[Detections]:
    """A row's marks on whole cubes, with the scores of both branches."""
    net = load_network(weights, read_card(weights), lambda config: Ag3d(Config(**config)))
    net.eval().to(memory_format=torch.channels_last_3d)
    hu = [to_hu(c.voxels) for c in cubes]
    parts = [detect_arrays(net, hu[i : i + batch], torch.device("cpu")) for i in range(0, len(hu), batch)]
    return [d for part in parts for d in part]


def span(value: float, lower: float, upper: float) -> str:
    """A figure with its interval."""
    return "–" if np.isnan(value) else f"{value:.3f} ({lower:.2f}–{upper:.2f})"


def pair(figures: dict[str, Any] | None) -> str:
    """The paper's cell: score / sensitivity, here CPM with its interval / over all marks."""
    return "–" if figures is None else f"{span(*figures['cpm'])} / {figures['max']:.3f}"


def table_two(figures: dict[tuple[str, str], dict[str, Any]], steps: dict[str, int]) -> Table:
    """Table II, of the rows that are there."""
    heading = ["", "multi-scale", "OHEM", "focal loss", "ABS", "steps", "CPM / max", "paper"]
    rows = [
        [r.label, *r.ticks, str(steps[r.name]), pair(figures[r.name, "rpn"]), *r.paper]
        for r in TABLE_II
        if (r.name, "rpn") in figures
    ]
    return [heading, *rows]


def table_three(figures: dict[tuple[str, str], dict[str, Any]], steps: dict[str, int]) -> Table:
    """Table III, of the rows that are there."""
    heading = ["", "DA", "magnify", "joint", "alternating", "steps", "RPN", "FPRN", "combined"]
    rows = [
        [
            r.label,
            *r.ticks,
            str(steps.get(r.name, "–")),
            *(pair(figures.get((r.name, b))) for b in BRANCHES),
            *r.paper,
        ]
        for r in (*TABLE_III, *MERGED_ROWS)
        if (r.name, "combined") in figures
    ]
    return [[*heading, "paper: RPN", "paper: FPRN", "paper: combined"], *rows]


def table_of_others(figures: dict[tuple[str, str], dict[str, Any]], steps: dict[str, int]) -> Table:
    """What the paper's tables do not compare, with the median ratio of found and true diameter by size."""
    heading = ["", "steps", "RPN", "FPRN", "combined", *(f"size, {a}–{b} mm (n)" for a, b in BANDS)]
    rows = [
        [
            r.label,
            str(steps[r.name]),
            *(pair(figures[r.name, b]) for b in BRANCHES),
            *(f"{ratio:.2f} ({n})" for ratio, n in figures[r.name, "combined"]["sizes"]),
        ]
        for r in OTHERS
        if (r.name, "combined") in figures
    ]
    return [heading, *rows]


def table_of_rates(figures: dict[tuple[str, str], dict[str, Any]]) -> Table:
    """Every rate with its interval, CPM and TNP."""
    heading = ["", "score", *RATES_SHOWN, "CPM", "TNP"]
    cells = [
        [
            f"{r.label} ({r.name})",
            b,
            *(span(*s) for s in f["sensitivity"]),
            span(*f["cpm"]),
            span(*f["tnp"]),
        ]
        for r in (*TABLE_II, *TABLE_III, *MERGED_ROWS, *OTHERS)
        for b in BRANCHES
        if (f := figures.get((r.name, b))) is not None
    ]
    return [heading, *cells]


def print_tables(out: Path, cubes: Sequence[NoduleCube], budget: Budget) -> None:
    """Print what is there."""
    figures = all_figures(out, cubes)
    there = [r.name for r in EVERY if (r.name, "rpn") in figures]
    steps = {n: read_card(out / n / "ag3d.safetensors").training["log"]["steps"] for n in there}
    print(f"{len(cubes)} cubes of {len({c.series for c in cubes})} scans in fold {budget.fold}; {budget}")
    for title, table in (
        ("Table II: baseline RPNs (paper: FROC / sensitivity)", table_two(figures, steps)),
        ("Table III: the FPRN branch († anchor-based sampling)", table_three(figures, steps)),
        (
            "What the paper's tables do not compare (size: found over true diameter)",
            table_of_others(figures, steps),
        ),
        ("Sensitivity at false positives a cube", table_of_rates(figures)),
    ):
        if len(table) > 1:
            print(f"\n{title}\n\n{markdown(table)}")
    missing = [r.name for r in EVERY if r.name not in there]
    if missing:
        print("\nNot there yet:", ", ".join(missing))


def main() -> None:
    """What the command line runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LUNA16 nodule cubes with folds.csv")
    parser.add_argument("--out", type=Path, required=True, help="keeps what is trained")
    budgets = parser.add_mutually_exclusive_group()
    budgets.add_argument("--minutes", type=float, default=0.0, help="of training a row")
    budgets.add_argument("--steps", type=int, default=0, help="of four patches of 64³, or of as many voxels")
    parser.add_argument("--stored", type=int, default=1500, help="patches of 64³ to store; 0: from scratch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fold", type=int, default=0, help="the fold left out")
    parser.add_argument("--rows", help="some rows only, with commas, in this order")
    parser.add_argument("--weights", type=Path, default=weights_path("ag3d"), help="for their first part")
    a = parser.parse_args()
    card = read_card(a.weights)
    first = f"{card.name} {card.version} {card.sha256[:12]}" if a.stored else ""
    budget = agreed(a.out, Budget(a.minutes, a.steps, a.stored, a.seed, a.fold, first))
    cubes = load_cubes(a.data, folds=[str(budget.fold)])
    every = [r.name for r in EVERY]
    chosen = every if a.rows is None else a.rows.split(",")
    if unknown := set(chosen) - set(every):
        raise SystemExit(f"There is no row {', '.join(sorted(unknown))}: rows are {', '.join(every)}.")
    for name in chosen if a.minutes or a.steps else ():
        marks = a.out / name / "marks.npz"
        if not marks.exists():
            print(f"training {name}", flush=True)
            save_marks(marks, mark_cubes(train_row(name, a.data, a.out, budget, a.weights), cubes))
    print_tables(a.out, cubes, budget)


if __name__ == "__main__":
    main()
