"""Cards and weights: what does not fit is refused with a sentence, and nothing is unpickled."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.device import choose_device
from napari_lungmtl.training.inference.weights import (
    ModelCard,
    WeightsError,
    card_path,
    load_state,
    read_card,
    save_weights,
    start_from,
)

from ...stand_ins.own_weights import own_weights


@pytest.fixture
def saved(tmp_path):
    card = ModelCard("ag3d", "9.9", "title", "purpose", ("CT",), {"stem": "paper"})
    return save_weights({"w": torch.linspace(-1, 1, 7), "n": torch.tensor(3)}, card, tmp_path)


def test_round_trip_in_half_precision(saved):
    card = read_card(saved)
    assert card.version == "9.9"
    assert card.modalities == ("CT",)
    assert "not for diagnosis" in card.intended_use
    state = load_state(saved, card)
    assert set(state) == {"w"}
    assert state["w"].dtype == torch.float32
    assert torch.allclose(state["w"], torch.linspace(-1, 1, 7), atol=1e-3)


def test_a_changed_byte_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(data)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_state(saved, read_card(saved))


def test_missing_and_broken_files(saved, tmp_path):
    with pytest.raises(WeightsError, match="is missing"):
        read_card(tmp_path / "other.safetensors")
    card = read_card(saved)
    saved.unlink()
    with pytest.raises(WeightsError, match="is missing"):
        load_state(saved, card)
    card_path(saved).write_text("{")
    with pytest.raises(WeightsError, match="no model card"):
        read_card(saved)


def test_a_card_of_the_future_is_refused(saved):
    values = json.loads(card_path(saved).read_text())
    card_path(saved).write_text(json.dumps({**values, "surprise": 1}))
    with pytest.raises(WeightsError, match="surprise"):
        read_card(saved)


@pytest.mark.parametrize("config", [{"stem": "paper", "unheard_of": 1}, {"stem": "paper"}])
def test_weights_that_do_not_fit_the_network(saved, config):
    values = json.loads(card_path(saved).read_text())
    card_path(saved).write_text(json.dumps({**values, "config": config}))
    with pytest.raises(WeightsError, match=r"does not know|do not fit"):
        registry.load_predictor("ag3d", "cpu", saved)


def two_layers(outputs: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, outputs))


@pytest.fixture
def trained(tmp_path):
    """A network, and its weights' file."""
    net = two_layers()
    seen = {"cases": ["a"], "dev_cases": ["b"], "log": {"earlier_cases": ["z"]}}
    card = ModelCard("toy", "1.2", "title", "purpose", ("CT",), {}, training=seen)
    return net, save_weights(net.state_dict(), card, tmp_path)


def test_training_starts_from_the_tensors_of_a_file(trained):
    old, path = trained
    net = two_layers()
    assert not torch.allclose(net[0].weight, old[0].weight, atol=1e-3)
    begun = start_from(net, path)
    for own, stored in zip(net.parameters(), old.parameters(), strict=True):
        assert torch.equal(own, stored.half().float())
    assert begun == {
        "started_from": f"toy 1.2, SHA-256 {read_card(path).sha256}",
        "earlier_cases": ["a", "b", "z"],  # what these weights have seen, the tuned ones have seen
    }


def test_a_head_of_another_size_keeps_its_own_tensors(trained):
    old, path = trained
    net = two_layers(outputs=5)
    head = net[1].weight.clone()
    start_from(net, path)
    assert torch.equal(net[0].weight, old[0].weight.half().float())
    assert torch.equal(net[1].weight, head)


def test_weights_of_another_model_are_no_start(trained):
    _, path = trained
    net = nn.Conv2d(1, 2, 3)
    before = net.weight.clone()
    with pytest.raises(WeightsError, match=r"nothing in .*toy.safetensors fits .* weights of the same model"):
        start_from(net, path)
    assert torch.equal(net.weight, before)


def test_damaged_weights_are_no_start(trained):
    net, path = trained
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="SHA-256"):
        start_from(net, path)


@pytest.mark.parametrize("network", ["mtmr", "mtcnn", "mtcnn_fpr"])
def test_models_of_folds_start_from_scratch(network, trained, tmp_path):
    from napari_lungmtl.training.fitting.train_network import train_network

    with pytest.raises(ValueError, match=f"{network} is trained .* leave --weights out"):
        train_network(network, tmp_path, tmp_path / "out", weights=trained[1])
    assert not (tmp_path / "out").exists()


def test_unknown_names():
    with pytest.raises(WeightsError, match="no model 'resnet'"):
        registry.load_predictor("resnet")
    with pytest.raises(WeightsError, match="no device 'cuda:77'"):
        choose_device("cuda:77")


def test_listing_models_imports_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from napari_lungmtl.training.inference.registry import models; "
        "assert [m.name for m in models()] == ['ag3d', 'mtcnn_fpr', 'mtmr', 'mtcnn', 'nodule_masks', 'dhn', 'mosegnet']; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_own_weights_take_the_place_of_the_shipped_ones(tmp_path):
    """Their version says which they are, wherever models are listed; a network's error leaves those in use."""
    shipped = registry.card("mosegnet")
    path = own_weights(tmp_path / "run7", "mosegnet")
    with registry.using_weights([path]):
        (info,) = [i for i in registry.models() if i.name == "mosegnet"]
        assert info.version == f"{shipped.version}+run7.{shipped.sha256[:7]}"
        assert info.weights == path.resolve() == registry.own_weights("mosegnet")
        assert registry.card_of(info).version == info.version
        assert registry.shipped([info])[0].version == shipped.version
        with pytest.raises(WeightsError, match=r"holds weights of MO-SegNet \(mosegnet\), not of dhn"):
            registry.use_weights("dhn", path)
        with pytest.raises(WeightsError, match="SHA-256"):
            registry.use_weights("mosegnet", damaged(tmp_path / "worse"))
        assert registry.own_weights("mosegnet") == path.resolve()
        renamed = own_weights(tmp_path, "mosegnet")
        for file in (renamed, card_path(renamed)):
            file.rename(file.with_stem("best"))
        assert "+best." in registry.use_weights("mosegnet", renamed.with_stem("best")).version
    assert registry.own_weights("mosegnet") is None


def damaged(folder):
    path = own_weights(folder, "mosegnet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    return path


def test_predict_takes_own_weights(tmp_path):
    from typer.testing import CliRunner

    from napari_lungmtl.training.cli.app import app
    from napari_lungmtl.training.findings.formats.json_file import read_findings

    path = own_weights(tmp_path / "run7", "mosegnet")
    film = Path(__file__).resolve().parents[3] / "sample_data" / "radiograph.dcm"
    out = ["--out", str(tmp_path / "out"), "--model", "mosegnet", "--weights", str(path)]
    result = CliRunner().invoke(app, ["predict", str(film), *out, "--device", "cpu"])
    assert result.exit_code == 0, result.output
    (file,) = (tmp_path / "out").glob("*.lungmtl.json")
    assert "run7" in read_findings(file).models[0]["version"]
    assert registry.own_weights("mosegnet") is None
    result = CliRunner().invoke(app, ["predict", str(film), "--out", str(tmp_path), "--weights", str(film)])
    assert result.exit_code == 1
    assert "choose a .safetensors file" in result.output
