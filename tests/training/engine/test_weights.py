"""Cards and weights: what does not fit is refused with a sentence, and nothing is unpickled."""

import json

import pytest
import torch

from napari_lungmtl.training.engine import registry
from napari_lungmtl.training.engine.weights import (
    ModelCard,
    WeightsError,
    card_path,
    load_state,
    read_card,
    save_weights,
)


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


def test_unknown_names():
    with pytest.raises(WeightsError, match="no model 'resnet'"):
        registry.load_predictor("resnet")
    with pytest.raises(WeightsError, match="no device 'cuda:77'"):
        registry.choose_device("cuda:77")


def test_listing_models_imports_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from napari_lungmtl.training.engine.registry import models; "
        "assert [m.name for m in models()] == ['ag3d', 'mtcnn_fpr', 'mtmr', 'mtcnn', 'dhn', 'mosegnet']; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
