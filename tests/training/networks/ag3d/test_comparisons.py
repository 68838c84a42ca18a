"""What the paper compares: every row under experiments/ag3d trains a little, and the command prints its tables."""

import dataclasses
import runpy
import sys

import numpy as np
import pytest
import torch

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.fitting.settings import config_from
from napari_lungmtl.training.fitting.training_run import read_settings
from napari_lungmtl.training.inference.weights import load_state, read_card, save_weights
from napari_lungmtl.training.networks.ag3d.boosting import cube_hardness
from napari_lungmtl.training.networks.ag3d.config import SHIPPED, SHIPPED_TRAINING
from napari_lungmtl.training.networks.ag3d.detect import Detections, merge, scored_by
from napari_lungmtl.training.networks.ag3d.network import Ag3d
from napari_lungmtl.training.networks.ag3d.patches import Patch, Patches, collate
from napari_lungmtl.training.networks.ag3d.release import CubeSplit, card_of
from napari_lungmtl.training.networks.ag3d.stored.patches import (
    StoredPatches,
    draw_store,
    load_store,
    start_first,
)
from napari_lungmtl.training.networks.ag3d.training import Training

from ....house import ROOT

ROWS = sorted((ROOT / "experiments" / "ag3d").glob("*.toml"))
SMALL = {"stem_channels": 8, "growth": 4, "pyramid_channels": 8}


def patches(width=32):
    """Two patches with a nodule each."""
    rng = np.random.default_rng(3)
    truths = ([[14.0, 16, 17, 9]], [[20.0, 12, 10, 6]])
    return [
        Patch(rng.normal(-850, 30, (width,) * 3).astype(np.float32), np.array(t), np.zeros((0, 4)))
        for t in truths
    ]


def row(path):
    settings = read_settings(path)
    return config_from(SHIPPED, settings.get("network", {}) | SMALL), config_from(
        SHIPPED_TRAINING, settings.get("training", {})
    )


def step(learner, batch):
    """One step of the whole loss; gives its terms."""
    losses = learner.losses(batch)
    torch.stack(list(losses.values())).sum().backward()
    return losses


@pytest.mark.parametrize("path", ROWS, ids=lambda p: p.stem)
def test_every_row_trains_what_it_says(path):
    network, config = row(path)
    torch.manual_seed(0)
    learner = Training(network, config, Hardness(1))
    learner.progress = 0.9
    losses = step(learner, collate(patches()))
    assert all(torch.isfinite(loss) for loss in losses.values())
    with_fprn = config.joint_from < 1 and not config.alternate  # of turns, the first is the RPN's
    assert set(losses) == {"rpn", "sphere"} | ({"fprn"} if with_fprn else set()) | (
        {"overlap"} if config.iou_weight else set()
    )
    for name, parameter in learner.net.named_parameters():
        learns = with_fprn or not name.startswith("fprn.")
        assert (parameter.grad is not None) == learns, name


def test_there_is_a_row_for_every_line_of_the_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "ag3d"))
    rows = runpy.run_path(str(ROOT / "experiments" / "ag3d" / "rows.py"))
    assert {r.name for r in rows["EVERY"]} == {path.stem for path in ROWS}


def test_branches_take_turns(monkeypatch):
    network, config = row(ROOT / "experiments" / "ag3d" / "III_96_alternating.toml")
    learner, batch = Training(network, config, Hardness(1)), collate(patches())
    learner.progress = 0.9
    terms = []
    for at in (0, config.alternate - 1, config.alternate, 2 * config.alternate):
        monkeypatch.setattr(Training, "global_step", at)
        terms.append(set(learner.losses(batch)))
    assert terms == [{"rpn", "sphere"}, {"rpn", "sphere"}, {"fprn"}, {"rpn", "sphere"}]


def marks(rows, rpn, fprn):
    spheres, first, second = np.array(rows, float).reshape(-1, 4), np.array(rpn, float), np.array(fprn, float)
    return Detections(spheres, first, second, (first + second) / 2)


def test_marks_are_ranked_by_the_branch_that_is_asked():
    found = marks([[0, 0, 0, 5], [20, 0, 0, 5]], [0.9, 0.3], [0.1, 0.8])
    assert scored_by(found, "rpn").spheres[:, 0].tolist() == [0, 20]
    assert scored_by(found, "fprn").score.tolist() == [0.8, 0.1]
    assert scored_by(found, "combined").score.tolist() == pytest.approx([0.55, 0.5])


def test_two_detectors_are_merged_as_the_paper_says():
    a = marks([[0, 0, 0, 8], [50, 0, 0, 6]], [0.8, 0.4], [0.6, 0.4])
    b = marks([[2, 0, 0, 10], [0, 3, 0, 8], [90, 0, 0, 6]], [0.9, 0.2, 0.95], [0.9, 0.2, 0.95])
    both = merge(a, b, "intersection")
    assert both.spheres.tolist() == [[1, 0, 0, 9]]
    assert both.score.tolist() == pytest.approx([0.8])
    every = merge(a, b, "union")
    assert every.spheres[:, 0].tolist() == [90, 1, 50, 0]
    assert every.score.tolist() == pytest.approx([0.95, 0.8, 0.4, 0.2])
    none = marks([], [], [])
    assert len(merge(a, none, "intersection")) == 0
    assert len(merge(none, a, "union")) == 2


def cubes(n=6):
    """Noise with a dense ball in the middle."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(10, 30, (n, 50, 50, 50)).astype(np.uint8)
    voxels[:, np.linalg.norm(np.indices((50, 50, 50)) - 25, axis=0) < 5] = 140
    truth = np.array([[25.0, 25, 25, 10]])
    return [NoduleCube(f"1.2.{i}", v, truth, np.zeros((0, 4)), "1", {}) for i, v in enumerate(voxels)]


def test_one_pass_finds_what_is_hard(tmp_path):
    """With anchor-based sampling in one pass, nothing is harder than anything else before it, and all is measured at it."""
    config = dataclasses.replace(SHIPPED_TRAINING, sampling="once", boost_from=0.5)
    network = config_from(SHIPPED, SMALL)
    learner = Training(network, config, Hardness(6), lambda net: cube_hardness(net, cubes()))
    batch = collate(patches()) | {"source": [0, 1]}
    learner.losses(batch)
    assert (learner.hardness.at(0) == 1).all()
    learner._boost()
    assert learner.net.training
    # Nothing is learnt yet: no mark passes the RPN's floor, every nodule is missed.
    assert learner.hardness.at(0).tolist() == pytest.approx([1.0] * 6, abs=0.05)
    checkpoint: dict = {}
    learner.on_save_checkpoint(checkpoint)
    later = Training(network, config, Hardness(6))
    later.on_load_checkpoint(checkpoint)
    assert later.boosted


def test_hard_patches_of_a_store_are_drawn_more_often(tmp_path):
    network = config_from(SHIPPED, SMALL)
    config = dataclasses.replace(SHIPPED_TRAINING, patch=64)
    net = Ag3d(network).eval()
    store = draw_store(Patches(cubes(), [], config, Hardness(6)), net, 4)
    store.save(tmp_path / "store.npz")
    again = load_store(tmp_path / "store.npz")
    for i in range(4):
        for name, value in store[i].items():
            assert torch.equal(torch.as_tensor(again[i][name]), torch.as_tensor(value)), name
    stored = StoredPatches(again, 4)
    assert stored.measure(net).shape == (4,)
    stored.hardness.set(torch.tensor([1.0, 0, 0, 0]))
    rng = np.random.default_rng(0)
    drawn = np.bincount(stored.pick(rng, 400), minlength=4)
    assert drawn[0] > 2 * drawn[1:].max()


def test_only_the_first_part_is_taken_where_that_is_asked(tmp_path):
    network = config_from(SHIPPED, SMALL)
    torch.manual_seed(1)
    begun = Ag3d(network)
    card = card_of(network, SHIPPED_TRAINING, CubeSplit([], []), "0.0", {})
    path = save_weights(begun.state_dict(), card, tmp_path)
    torch.manual_seed(2)
    net = Ag3d(dataclasses.replace(network, anchors=((5, 10), (15, 20), (25, 35))))
    assert start_first(net, path)["first_part_from"].startswith("ag3d 0.0")
    saved, own = load_state(path, read_card(path)), net.state_dict()
    assert torch.equal(own["backbone.encode1.0.grow.2.weight"], saved["backbone.encode1.0.grow.2.weight"])
    assert not torch.equal(own["backbone.encode2.0.grow.2.weight"], saved["backbone.encode2.0.grow.2.weight"])


def write_cubes(folder, n=12):
    voxels = np.stack([c.voxels for c in cubes(n)])
    folder.mkdir()
    np.savez(
        folder / "cubes.npz", cubes_dz=np.diff(voxels.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
    )
    rows = ["index,seriesuid,coordX,coordY,coordZ,diameter_mm,originX,originY,originZ,direction_xy"]
    rows += [f"{i},1.2.{i},25,25,25,10,0,0,0,1" for i in range(n)]
    (folder / "nodules.csv").write_text("\n".join(rows))
    (folder / "folds.csv").write_text("seriesuid,fold\n" + "\n".join(f"1.2.{i},{i % 5}" for i in range(n)))


def test_one_command_trains_and_prints_and_goes_on(tmp_path, monkeypatch, capsys):
    """Two rows by steps; what is there is kept and printed again, and another budget is refused."""
    folder = ROOT / "experiments" / "ag3d"
    monkeypatch.syspath_prepend(str(folder))
    write_cubes(tmp_path / "cubes")

    def tables(rows, budget="--steps 2"):
        command = f"tables.py --data {tmp_path / 'cubes'} --out {tmp_path / 'out'} --stored 2 {budget}"
        monkeypatch.setattr(sys, "argv", [*command.split(), "--rows", rows])
        runpy.run_path(str(folder / "tables.py"), run_name="__main__")
        return capsys.readouterr().out

    printed = tables("II_d,shipped")
    assert "Table II" in printed
    assert "0.910 / 0.982" in printed
    assert "as shipped" in printed
    assert "Table III" not in printed
    written = (tmp_path / "out" / "II_d" / "marks.npz").stat().st_mtime_ns
    again = tables("II_d")
    assert "training II_d" not in again
    assert "Not there yet: II_a" in again
    assert (tmp_path / "out" / "II_d" / "marks.npz").stat().st_mtime_ns == written
    with pytest.raises(SystemExit, match="same budget"):
        tables("II_a", "--minutes 1")
