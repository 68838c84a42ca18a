"""From the download of a public set to weights and their figures, by the commands that the docs give."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.data.errors import DatasetError
from napari_lungmtl.training.data.public.ct.layouts import open_scan_set
from napari_lungmtl.training.data.public.luna16_nodules import load_cubes, to_hu
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.data.sharded import Sharded
from napari_lungmtl.training.fitting.training_run import TrainingRun
from napari_lungmtl.training.inference.weights import read_card
from napari_lungmtl.training.networks.ag3d.config import TrainingConfig
from napari_lungmtl.training.networks.ag3d.sets.prepare import prepare_set
from napari_lungmtl.training.networks.ag3d.thorax import Thorax, open_thorax, store_thorax, thorax_source
from napari_lungmtl.training.networks.ag3d.training import part_of, prepared_run, training_cubes
from tests.stand_ins import public_ct_sets as sets

NETWORK = {"stem_channels": 8, "growth": 4, "pyramid_channels": 8}
TRAINING = {"steps": 3, "batch": 1, "joint_from": 0.0, "dev_every": 2, "ema": 0.0}
WRITERS = {"luna16": sets.write_luna16, "lidc": sets.write_lidc, "deeplesion": sets.write_deeplesion}
TESTED = {
    "luna16": [f"{sets.UID}.100"],
    "lidc": [f"{sets.UID}.1"],
    "deeplesion": ["000003_01_02_100-139"],
}
DEEPLESION_ANCHORS = [[3, 5, 7], [10, 13, 17], [22, 30, 40]]


def lungmtl(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", WRITERS)
def test_one_command_leads_from_the_download_to_weights(tmp_path, name):
    data = WRITERS[name](tmp_path / name)
    network = NETWORK | ({"anchors": DEEPLESION_ANCHORS} if name == "deeplesion" else {})
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"network": network, "training": TRAINING, "version": "0.0-test"}))
    out = tmp_path / "run"
    lungmtl("train", "ag3d", "--data", data, "--out", out, "--config", settings)
    card = read_card(out / "ag3d.safetensors")
    everything = {scan.name for scan in open_scan_set(data).scans}
    assert set(card.training["series"]) == everything - set(TESTED[name])
    assert card.training["scans"] >= 1
    assert card.metrics["cases"] == 1
    assert card.training["test_folds"] == (["test"] if name == "deeplesion" else ["0"])
    assert card.training["set"] in card.training["data"][0]
    if name == "lidc":  # what networks for cubes are trained on
        assert load_rated_nodules(out / "prepared").malignancy("median").tolist() == [4] * 4
    figures = tmp_path / "figures.json"
    lungmtl("evaluate", "ag3d", "--data", data, "--weights", out / "ag3d.safetensors", "--json", figures)
    found = json.loads(figures.read_text())
    assert sorted(found["metrics"]["by_scan"]) == TESTED[name]
    assert found["cases"] == 1
    assert not [w for w in found["warnings"] if "took part" in w]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    return prepare_set(open_scan_set(sets.write_luna16(folder / "luna16")), folder / "out")


def test_cubes_and_thoraxes_show_the_nodules_where_they_say(prepared):
    cubes = load_cubes(prepared)
    assert [c.fold for c in cubes] == ["0", "1", "1", "2"]
    for cube in cubes:
        (nodule,) = cube.truth
        assert nodule[:3] == pytest.approx([24.5] * 3)
        dense = (to_hu(cube.voxels) > -400) & near(cube.voxels.shape, nodule)
        assert np.argwhere(dense).mean(0) == pytest.approx(nodule[:3], abs=0.5)
        thorax = open_thorax(prepared / "scans" / cube.series)
        assert isinstance(thorax.voxels, Sharded)
        (nodule,) = thorax.truth
        dense = (to_hu(np.asarray(thorax.voxels)) > -400) & near(thorax.voxels.shape, nodule)
        assert np.argwhere(dense).mean(0) == pytest.approx(nodule[:3], abs=0.5)
        assert thorax.lungs[tuple(np.round(nodule[:3]).astype(int))]
        assert thorax.slice_mm == 2.5
        assert 10.0 in thorax.ignore[:, 3], "the excluded finding is left out of everything"
    assert {len(c.excluded) for c in cubes} == {0, 1}


def near(shape, sphere):
    distance = np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - sphere[:3], axis=-1)
    return distance < sphere[3] * 0.75


def test_a_second_run_finds_everything_prepared(prepared, tmp_path):
    written = {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    assert prepare_set(open_scan_set(prepared.parent / "luna16"), prepared) == prepared
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*")} == written
    run = TrainingRun(prepared, tmp_path)
    assert prepared_run(run) is run, "what is prepared trains other folds as it is"


def test_folds_are_respected(prepared):
    config = TrainingConfig(test_folds=(1,), dev_every=2)
    with pytest.raises(DatasetError, match=r"no nodule in the part for dev.*dev_every"):
        training_cubes(prepared, TrainingConfig(test_folds=(1,), dev_every=10**6))
    with pytest.raises(
        DatasetError, match=r"no nodule in the part for test.*folds are 0, 1, 2; change test_folds"
    ):
        training_cubes(prepared, TrainingConfig(test_folds=(7,), dev_every=2))
    split = training_cubes(prepared, config)
    assert split.test_folds == ("1",)
    assert set(split.series) == {k for k, v in sets.LUNA16_SCANS.items() if v[0] != 1}
    assert set(split.scans) == {c.series for c in split.training}
    assert [part_of("a", fold, config) for fold in ("test", "val", "train", "never", "", "1")] == [
        *("test", "dev", "training", "never", "never", "test")
    ]


def test_a_scan_that_cannot_be_read_is_left_out_and_named(tmp_path):
    data = sets.write_luna16(tmp_path / "luna16")
    (data / "subset2" / f"{sets.UID}.104.raw").unlink()
    left_behind = tmp_path / "out" / "scans" / f".{sets.UID}.100.1"  # by a run that was killed
    left_behind.mkdir(parents=True)
    (left_behind / "known.json").write_text("{}")
    out = prepare_set(open_scan_set(data), tmp_path / "out")
    about = json.loads((out / "set.json").read_text())
    assert about["scans"] == 3
    assert list(about["left_out"]) == [f"{sets.UID}.104"]
    assert len(load_cubes(out)) == 3


def test_windows_of_many_scans_do_not_fill_the_memory(tmp_path):
    """A hundred scans of 8 MB: what is mapped is read where a window lies."""
    nothing = np.zeros((0, 4))
    voxels = np.full((160, 160, 160), 22, np.uint8)
    whole = Thorax(voxels, voxels > 0, nothing, nothing, nothing, np.zeros(0), 1.0)
    first = tmp_path / "scans" / "0"
    first.mkdir(parents=True)
    store_thorax(first, whole)
    for i in range(1, 100):
        (tmp_path / "scans" / str(i)).symlink_to(first)
    np.savez(tmp_path / "cubes.npz", cubes_dz=np.zeros((0, 50, 50, 50), np.uint8))
    tracemalloc.start()
    draw = thorax_source(tmp_path, [], TrainingConfig(), [str(i) for i in range(100)])
    rng = np.random.default_rng(0)
    for _ in range(3):
        assert draw(rng).hu.shape == (64, 64, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_ways_are_documented():
    text = (Path(__file__).resolve().parents[4] / "docs" / "retraining.md").read_text()
    for name in ("LUNA16", "LIDC-IDRI", "DeepLesion"):
        assert f"lungmtl train ag3d --data {name} --out" in text
