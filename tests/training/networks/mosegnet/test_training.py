"""A tiny run, the whole way: train, stop, resume, calibrate, write, load, predict."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from napari_lungmtl.training.data.public.radiographs import RadiographSample
from napari_lungmtl.training.fitting.batches import Place, endless_loader
from napari_lungmtl.training.fitting.fit import fit
from napari_lungmtl.training.fitting.radiograph_sources import RadiographSources
from napari_lungmtl.training.fitting.training_run import TrainingRun
from napari_lungmtl.training.inference.weights import (
    ModelCard,
    WeightsError,
    load_state,
    read_card,
    save_weights,
)
from napari_lungmtl.training.networks.mosegnet.augmentation import Augmentation
from napari_lungmtl.training.networks.mosegnet.build import build
from napari_lungmtl.training.networks.mosegnet.components import components
from napari_lungmtl.training.networks.mosegnet.config import PAPER_TRAINING, SHIPPED, SHIPPED_TRAINING
from napari_lungmtl.training.networks.mosegnet.loss import joint_loss
from napari_lungmtl.training.networks.mosegnet.maps import probability_maps
from napari_lungmtl.training.networks.mosegnet.network import MoSegNet
from napari_lungmtl.training.networks.mosegnet.release import RATE_AT_DEFAULT, DevMarks, calibration
from napari_lungmtl.training.networks.mosegnet.samples import Samples, label_stack, varied, window
from napari_lungmtl.training.networks.mosegnet.training import Training, train_on

from ....stand_ins.blob_radiographs import ToyRadiographs

SMALL = {"side": 64, "widths": [8, 16, 16, 16]}
STILL = Augmentation(*[0.0] * len(dataclasses.fields(Augmentation)))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def module(radiographs: object, **changes: object) -> Training:
    torch.manual_seed(0)
    network = dataclasses.replace(SHIPPED, **{**SMALL, **changes})
    config = dataclasses.replace(
        SHIPPED_TRAINING, ema=0.9, augmentation=STILL, bfloat16=False, stages=((0, 1),)
    )
    return Training(network, config, Samples(radiographs, network, config.augmentation, config.batch))


def loader_of(learner: Training) -> DataLoader:
    return endless_loader(learner.samples, 0, 0)


def fitted(radiographs: object, steps: int, out: Path) -> MoSegNet:
    learner = module(radiographs)
    config = dataclasses.replace(learner.config, steps=steps)
    return fit(learner, loader_of(learner), out, config)[0]


def test_toy_radiographs_are_learnt(tmp_path):
    radiographs = ToyRadiographs(64)
    net = fitted(radiographs, 150, tmp_path)
    rng = np.random.default_rng(99)
    found = truths = right = false = 0
    for _ in range(30):
        radiograph = radiographs.draw(rng)
        maps = probability_maps(net, radiograph.pixels, torch.device("cpu"))
        right += float((maps.lungs.argmax(0) > 0)[radiograph.lungs.any(0)].mean()) > 0.9
        marks = components(maps.lesions[0], 0.3)
        hits = [radiograph.nodules[int(c.center[0]), int(c.center[1])] for c in marks]
        truths += radiograph.positive
        found += any(hits)
        false += hits.count(False)
    assert right >= 28
    assert found >= 0.8 * truths
    assert false <= 6  # the same disc lies outside the lungs of every radiograph


def test_from_radiographs_to_a_predictor(tmp_path):
    settings = {
        "network": SMALL,
        "training": {"minutes": 0.05, "dev_radiographs": 8, "batch": 2, "augmentation": {"frame": 0.0}},
        "version": "0.0-test",
    }
    dev = ToyRadiographs(64, name="dev radiographs", cases=("toy-3",))
    sources = RadiographSources(ToyRadiographs(64), dev)
    train_on(sources, TrainingRun(tmp_path, tmp_path, **settings))
    path = train_on(sources, TrainingRun(tmp_path, tmp_path, **settings, resume=True))
    card = read_card(path)
    assert card.training["cases"] == ["toy-1", "toy-2"]
    assert card.training["dev"]["held_out"]
    assert card.training["config"]["augmentation"]["frame"] == 0
    assert card.training["log"]["steps"] >= 2
    assert card.config["side"] == 64
    assert (tmp_path / "log.jsonl").exists()
    predictor = build(path, card, "cpu")
    assert list(predictor.net.config.widths) == SMALL["widths"]

    wrong = dataclasses.replace(card, config={**card.config, "widths": [8, 16, 16, 24]})
    with pytest.raises(WeightsError, match="do not fit"):
        build(path, wrong, "cpu")
    with pytest.raises(WeightsError, match="does not know"):
        build(path, dataclasses.replace(card, config={**card.config, "depth": 3}), "cpu")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="SHA-256"):
        build(path, card, "cpu")


def test_a_run_starts_from_weights(tmp_path):
    """At a rate of 0 what comes out is what it started from; the moving average does not begin elsewhere."""
    training = {"steps": 3, "dev_radiographs": 4, "batch": 2, "learning_rate": 0.0}
    settings = {"network": {**SMALL, "norm": "group"}, "training": training, "version": "0.0-test"}
    sources = RadiographSources(ToyRadiographs(64), ToyRadiographs(64))
    first = train_on(sources, TrainingRun(tmp_path, tmp_path / "first", **settings))
    training = {**training, "seed": 7}
    runs = {
        name: train_on(
            sources,
            TrainingRun(tmp_path, tmp_path / name, **{**settings, "training": training, "weights": start}),
        )
        for name, start in (("fresh", None), ("again", first))
    }
    old, fresh, new = (load_state(p, read_card(p)) for p in (first, *runs.values()))
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert not all(torch.equal(old[name], fresh[name]) for name in old)
    started = read_card(runs["again"]).training["log"]["started_from"]
    assert started == f"mosegnet 0.0-test, SHA-256 {read_card(first).sha256}"
    assert "started_from" not in read_card(runs["fresh"]).training["log"]


def test_weights_survive_half_precision(tmp_path):
    net = module(ToyRadiographs(64)).net.eval()
    card = ModelCard("mosegnet", "0", "", "", ("DX",), dataclasses.asdict(net.config))
    path = save_weights(net.state_dict(), card, tmp_path)
    loaded = build(path, read_card(path), "cpu").net
    x = torch.rand(1, 1 + net.config.local_contrast, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(x)[0], net(x)[0], atol=2e-2, rtol=2e-2)
    assert load_state(path, read_card(path))


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": "nodule"},
        {"network": "unet", "norm": "group"},
        {"stem": "paper", "norm": "paper", "lung_sides": False},
        {"lesions": ("nodule", "pleural effusion")},
    ],
)
def test_variants_train(changes):
    found = module(ToyRadiographs(64), **changes)
    batch = next(iter(loader_of(found)))
    losses = found.losses(batch)
    assert set(losses) == ({"lesions"} if changes.get("tasks") == "nodule" else {"lesions", "lungs"})
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in found.net.parameters())


def test_the_papers_losses_train():
    found = module(ToyRadiographs(64))
    found.config = dataclasses.replace(PAPER_TRAINING, augmentation=STILL, batch=4)
    losses = found.losses(next(iter(loader_of(found))))
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in found.net.parameters())


def test_all_of_the_balance_on_nodules_is_the_single_task():
    """λ = 1: the lungs' branch gets no gradient, and everything else the one of the network that has no such branch."""
    both, single = module(ToyRadiographs(64)), module(ToyRadiographs(64), tasks="nodule")
    single.net.load_state_dict({k: v for k, v in both.net.state_dict().items() if not k.startswith("lungs")})
    both.config = dataclasses.replace(both.config, balance=1.0)
    batch = next(iter(loader_of(both)))
    for one in (both, single):
        losses = one.losses(batch)
        joint_loss(losses["lesions"], losses.get("lungs"), one.config.balance).backward()
    for name, p in both.net.named_parameters():
        if name.startswith("lungs"):
            assert not p.grad.any()
    for name, p in single.net.named_parameters():
        torch.testing.assert_close(p.grad, dict(both.net.named_parameters())[name].grad)


def radiograph(**changes) -> RadiographSample:
    drawn = ToyRadiographs(64).draw(np.random.default_rng(0))
    return dataclasses.replace(drawn, **changes)


def batch_of(*radiographs: RadiographSample) -> dict:
    samples = [
        varied(f, dataclasses.replace(SHIPPED, **SMALL), None, np.random.default_rng(0)) for f in radiographs
    ]
    return {k: torch.stack([s[k] for s in samples]) for k in samples[0]}


def test_what_is_unknown_trains_nothing():
    found = module(ToyRadiographs(64))
    found.net.eval()
    with torch.no_grad():
        nothing = found.losses(batch_of(radiograph(nodule_known=False, lungs=None)))
        mixed = found.losses(batch_of(radiograph(), radiograph(nodule_known=False, lungs=None)))
        alone = found.losses(batch_of(radiograph()))
    assert nothing["lesions"] == nothing["lungs"] == 0
    for name in ("lesions", "lungs"):
        torch.testing.assert_close(mixed[name], alone[name])


def test_boxes_stand_for_nodules_where_there_are_no_masks():
    boxes = np.array([[10, 20, 30, 40]], np.float32)
    stack = label_stack(radiograph(nodules=None, boxes=boxes), SHIPPED)
    assert abs(stack[2].sum() - np.pi * 100) < 12
    assert stack[2, 30, 20] == 1
    assert stack[2, 21, 11] == 0


def test_radiographs_come_at_the_size_of_the_network():
    network = dataclasses.replace(SHIPPED, side=128)
    drawn = radiograph()
    sample = varied(drawn, network, None, np.random.default_rng(0))
    assert sample["pixels"].shape == (1, 128, 128)
    assert abs((sample["lungs"] > 0).sum().item() / (4 * drawn.lungs.sum()) - 1) < 0.02
    rows, columns = np.nonzero(sample["lungs"].numpy() == 1)
    own = np.nonzero(drawn.lungs[0])
    np.testing.assert_allclose(
        (rows.mean() + 0.5, columns.mean() + 0.5), [2 * (n.mean() + 0.5) for n in own], atol=0.1
    )


def test_a_second_lesion_is_its_own_class():
    network = dataclasses.replace(SHIPPED, side=64, lesions=("nodule", "pleural effusion"))
    water = np.zeros((64, 64), bool)
    water[50:60, 5:20] = True
    sample = varied(radiograph(lesions={"pleural effusion": water}), network, None, np.random.default_rng(0))
    assert (sample["lesions"] == 2).sum() == 150


def test_the_schedule_goes_on_after_a_resume():
    first, again = module(ToyRadiographs(64)), module(ToyRadiographs(64))
    again.config = dataclasses.replace(again.config, stages=((0, 2), (0.6, 1)))
    first.progress = 0.4
    checkpoint = {"global_step": 12}
    first.on_save_checkpoint(checkpoint)
    again.on_load_checkpoint(checkpoint)
    assert again.progress == 0.4
    assert again.samples.side == 32


def test_radiographs_grow_over_the_schedule():
    found = module(ToyRadiographs(128), side=128)
    found.config = dataclasses.replace(found.config, stages=SHIPPED_TRAINING.stages)
    sides = []
    for progress in (0.0, 0.3, 0.9):
        found.progress = progress
        found.samples.side.fill_(found.side())
        sides.append(next(iter(loader_of(found)))["pixels"].shape[-1])
    assert sides == [32, 64, 128]
    assert dataclasses.replace(PAPER_TRAINING).stages == ((0.0, 1.0),)
    with pytest.raises(ValueError, match="reduction 1"):
        dataclasses.replace(PAPER_TRAINING, stages=((0, 2),))


def test_the_average_forgets_the_beginning():
    found = module(ToyRadiographs(64))
    weight = next(found.net.parameters())
    with torch.no_grad():
        weight.fill_(100)
        found.on_before_zero_grad(None)
        weight.fill_(1)
        for _ in range(40):
            found.on_before_zero_grad(None)
    assert abs(next(found.trained.parameters()).mean().item() - 1) < 0.2


def test_calibration_puts_the_default_threshold_at_the_rate():
    rng = np.random.default_rng(0)
    false, hits = rng.beta(1, 8, 300), rng.beta(4, 2, 80)
    marks = DevMarks(hits, false, 100, 120, np.zeros(0))
    slope, intercept = calibration(marks)
    assert slope > 0
    scores = 1 / (1 + np.exp(-(slope * np.log(false / (1 - false)) + intercept)))
    assert (scores > 0.5).sum() == int(RATE_AT_DEFAULT * 120)
    assert marks.sensitivity(10) == 0.8


def test_every_other_batch_is_of_windows():
    network = dataclasses.replace(SHIPPED, **SMALL)
    samples = Samples(ToyRadiographs(64), network, SHIPPED_TRAINING.augmentation, 2, crop=32)
    whole, windows = (samples(Place(step), (0,)) for step in range(2))
    assert whole["pixels"].shape == (2, 1, 64, 64)
    assert whole["lungs_known"].all()
    # Four windows of 32 have the pixels of one radiograph of 64.
    assert windows["pixels"].shape == (8, 1, 32, 32)
    assert windows["lesions"].shape == windows["uncertain"].shape == (8, 32, 32)
    assert not windows["lungs_known"].any()
    losses = module(ToyRadiographs(64)).losses(windows)
    assert losses["lungs"] == 0
    assert losses["lesions"] > 0


def test_a_window_holds_a_nodule():
    network = dataclasses.replace(SHIPPED, **SMALL)
    nodules = np.zeros((64, 64), bool)
    nodules[50:56, 4:10] = True
    rng = np.random.default_rng(0)
    for _ in range(10):
        sample = varied(radiograph(nodules=nodules), network, None, rng)
        assert (window(sample, 32, rng)["lesions"] == 1).sum() == 36
