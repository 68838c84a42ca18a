"""Training, release and evaluation on a machine that has torch and Lightning but no readers and no window."""

import json

import numpy as np
import pytest
import torch


def test_a_few_seconds_of_training_end_in_weights_with_a_card(tmp_path):
    """The whole way, in little: train, stop, resume, calibrate, write, measure on the fold left out."""
    from napari_lungmtl.training.fitting.train_network import train_network
    from napari_lungmtl.training.inference.weights import load_state, read_card

    data = tmp_path / "cubes"
    data.mkdir()
    write_cubes(data, 30)
    settings = {
        "network": {"stem_channels": 8, "growth": 4, "pyramid_channels": 8},
        "training": {"minutes": 0.05, "batch": 2, "joint_from": 0.3, "dev_every": 3},
        "version": "0.0-test",
    }
    (tmp_path / "c.json").write_text(json.dumps(settings))
    train_network("ag3d", data, tmp_path / "out", tmp_path / "c.json")
    assert (tmp_path / "out" / "log.jsonl").exists()
    path = train_network("ag3d", data, tmp_path / "out", tmp_path / "c.json", resume=True)
    card = read_card(path)
    assert load_state(path, card)
    assert card.training["test_folds"] == ["0"]
    assert card.training["log"]["steps"] >= 2
    assert not set(card.training["series"]) & {f"1.2.{i}" for i in range(30) if i % 5 == 0}
    assert card.metrics["cases"] == 6
    rates = [float(rate) for rate in card.metrics["whole"]["sensitivity_at"]]
    assert rates == pytest.approx([2.0**n for n in range(-6, 4)], rel=1e-4)
    tuned = train_network("ag3d", data, tmp_path / "tuned", tmp_path / "c.json", weights=path)
    assert read_card(tuned).training["log"]["started_from"] == f"ag3d 0.0-test, SHA-256 {card.sha256}"


def write_cubes(folder, n):
    """Noise with a dense ball in the middle, in the layout of ``luna16_nodules``."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(10, 30, (n, 50, 50, 50)).astype(np.uint8)
    ball = np.linalg.norm(np.indices((50, 50, 50)) - 25, axis=0) < 5
    voxels[:, ball] = 140
    dz = np.diff(voxels.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
    np.savez(folder / "cubes.npz", cubes_dz=dz)
    rows = ["index,seriesuid,coordX,coordY,coordZ,diameter_mm,originX,originY,originZ,direction_xy"]
    rows += [f"{i},1.2.{i},25,25,25,10,0,0,0,1" for i in range(n)]
    (folder / "nodules.csv").write_text("\n".join(rows))
    (folder / "folds.csv").write_text("seriesuid,fold\n" + "\n".join(f"1.2.{i},{i % 5}" for i in range(n)))


def test_behind_stored_patches_only_the_later_layers_learn(tmp_path):
    from napari_lungmtl.training.fitting.train_network import train_network
    from napari_lungmtl.training.inference.weights import load_state, read_card

    data = tmp_path / "data"
    data.mkdir()
    write_cubes(data, 30)
    network = {"stem_channels": 8, "growth": 4, "pyramid_channels": 8}
    schedule = {"steps": 2, "batch": 2, "joint_from": 0.0, "dev_every": 3, "ema": 0.0}
    settings = {"network": network, "training": schedule, "version": "0.0-test"}
    (tmp_path / "a.json").write_text(json.dumps(settings))
    begun = train_network("ag3d", data, tmp_path / "a", tmp_path / "a.json")
    (tmp_path / "b.json").write_text(json.dumps(settings | {"training": schedule | {"stored": 3}}))
    tuned = train_network("ag3d", data, tmp_path / "b", tmp_path / "b.json", weights=begun)
    before, after = (load_state(path, read_card(path)) for path in (begun, tuned))
    frozen = ("backbone.pre.", "backbone.encode1.", "backbone.transition1.")
    same = {name: torch.equal(before[name], after[name]) for name in before}
    assert all(kept for name, kept in same.items() if name.startswith(frozen))
    assert not all(kept for name, kept in same.items() if name.startswith("backbone.encode2."))
    assert not all(kept for name, kept in same.items() if name.startswith("fprn."))


def test_stored_patches_need_weights(tmp_path):
    from napari_lungmtl.training.fitting.train_network import train_network
    from napari_lungmtl.training.inference.weights import WeightsError

    (tmp_path / "data").mkdir()
    write_cubes(tmp_path / "data", 12)
    (tmp_path / "c.json").write_text(json.dumps({"training": {"steps": 1, "stored": 2, "dev_every": 3}}))
    with pytest.raises(WeightsError, match="--weights"):
        train_network("ag3d", tmp_path / "data", tmp_path / "out", tmp_path / "c.json")
