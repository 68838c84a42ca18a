"""What a person asks of a training: settings from a file, and a clear sentence about those that do not exist."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from napari_lungmtl.training.fitting.training_run import TrainingRun, read_run


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
