"""What a person asks of a training: settings from a file, and a clear sentence about those that do not exist."""

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from napari_lungmtl.training.fitting.ranges import Count, Decay, Fraction
from napari_lungmtl.training.fitting.settings import config_from
from napari_lungmtl.training.fitting.training_run import TrainingRun, read_run
from napari_lungmtl.training.inference.registry import NETWORKS, network
from napari_lungmtl.training.networks.ag3d import config as ag3d
from napari_lungmtl.training.networks.mosegnet import config as mosegnet
from napari_lungmtl.training.networks.nodule_masks import config as nodule_masks


@dataclass(frozen=True)
class Config:
    width: int = 8
    depth: int = 2


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_file_changes_what_it_names(tmp_path, suffix):
    tables = {
        ".json": json.dumps({"network": {"width": 4}, "candidates": ["a.csv"], "version": "0.2"}),
        ".toml": 'candidates = ["a.csv"]\nversion = "0.2"\n[network]\nwidth = 4\n',
    }
    path = tmp_path / f"c{suffix}"
    path.write_text(tables[suffix])
    run = read_run(tmp_path, tmp_path / "out", path, resume=True)
    assert run.configs(Config(), Config(depth=3)) == (Config(width=4), Config(depth=3))
    assert (run.version, run.candidates, run.resume, run.weights) == ("0.2", (Path("a.csv"),), True, None)


def test_without_a_file_everything_is_as_shipped(tmp_path):
    assert read_run(tmp_path, tmp_path / "out", None) == TrainingRun(tmp_path, tmp_path / "out")


def test_unknown_settings_are_refused(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"netwrok": {"width": 4}}))
    with pytest.raises(ValueError, match=r"unknown settings \['netwrok'\].*'network'"):
        read_run(tmp_path, tmp_path, tmp_path / "c.json")
    run = TrainingRun(tmp_path, tmp_path, training={"widht": 4})
    with pytest.raises(ValueError, match=r"unknown settings \['widht'\]; Config has \['depth', 'width'\]"):
        run.configs(Config(), Config())


@dataclass(frozen=True)
class Inner:
    gamma: float = 1.0


@dataclass(frozen=True)
class Training:
    steps: Count = 8
    ema: Decay = 0.5
    part: Fraction = 0.1
    rate: float = 1.0
    flip: bool = True
    name: str = "x"
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] = (1.0, 2.0)
    names: tuple[str, ...] = ()
    nested: tuple[tuple[float, ...], ...] = ()
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steps", "three", 'a whole number from 1 on, not "three"'),
        ("steps", 0, "a whole number from 1 on, not 0"),
        ("steps", -3, "a whole number from 1 on, not -3"),
        ("steps", True, "a whole number from 1 on, not true"),
        ("steps", 2.5, "a whole number from 1 on, not 2.5"),
        ("steps", datetime.date(2026, 1, 1), 'a whole number from 1 on, not "2026-01-01"'),
        ("ema", 1, "a number from 0 to below 1, not 1"),
        ("part", 2, "a number from 0 to 1, not 2"),
        ("rate", "fast", 'a number, not "fast"'),
        ("rate", True, "a number, not true"),
        ("rate", float("nan"), "a number, not NaN"),
        ("rate", [1.0], "a number, not [1.0]"),
        ("flip", 1, "true or false, not 1"),
        ("name", 3, "text in quotes, not 3"),
        ("kind", "c", 'one of "a", "b", not "c"'),
        ("pair", [1], "a list of 2, each a number, not [1]"),
        ("pair", 1, "a list of 2, each a number, not 1"),
        ("names", "ab", 'a list, each text in quotes, not "ab"'),
        ("inner", 1, "a table of settings, not 1"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_it_must_be(tmp_path, name, value, said):
    run = TrainingRun(tmp_path, tmp_path, training={name: value})
    with pytest.raises(ValueError, match="must be") as error:
        run.configs(Config(), Training())
    assert str(error.value) == f"training.{name} must be {said}"


def test_values_as_files_have_them_are_taken():
    """Lists for tuples, whole numbers for numbers, tables for settings within settings."""
    changes = {"rate": 2, "pair": [3, 4], "nested": [[1, 2.5], []], "names": ["a"], "inner": {"gamma": 2}}
    found = config_from(Training(), changes)
    same = {"rate": 2.0, "pair": (3.0, 4.0), "nested": ((1.0, 2.5), ()), "names": ("a",), "inner": Inner(2.0)}
    assert found == Training(**same)
    with pytest.raises(ValueError, match=r"inner.gamma must be a number, not \"x\""):
        config_from(Training(), {"inner": {"gamma": "x"}})
    with pytest.raises(ValueError, match=r"unknown settings \['gama'\]"):
        config_from(Training(), {"inner": {"gama": 1}})


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("setting", "value"), [("steps", -3), ("batch", 0), ("learning_rate", "fast")])
def test_every_network_refuses_a_wrong_setting_before_it_looks_at_the_data(tmp_path, name, setting, value):
    run = TrainingRun(tmp_path / "nothing", tmp_path / "out", training={setting: value})
    with pytest.raises(ValueError, match=f"training.{setting} must be a"):
        network(name).train(run)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("base", "setting", "value", "taken"),
    [
        (mosegnet.SHIPPED_TRAINING, "dev_folds", [1, "2"], ("1", "2")),
        (nodule_masks.SHIPPED_TRAINING, "held_out", 3, "3"),
        (ag3d.SHIPPED_TRAINING, "test_folds", ["0", 4], (0, 4)),
    ],
)
def test_folds_are_numbers_or_text(base, setting, value, taken):
    """Tables of folds hold text, and people write numbers."""
    assert getattr(config_from(base, {setting: value}), setting) == taken
    with pytest.raises(ValueError, match="such as 0"):
        config_from(base, {setting: [True] if isinstance(value, list) else True})


@pytest.mark.parametrize(
    ("values", "said"),
    [({"version": 3}, "version must be text"), ({"candidates": "a.csv"}, "candidates must be a list")],
)
def test_what_stands_outside_of_tables_has_its_kind_too(tmp_path, values, said):
    (tmp_path / "c.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=said):
        read_run(tmp_path, tmp_path, tmp_path / "c.json")
