"""A stopped `lungmtl train` exits as the signal asks for, and says what is kept and how it goes on."""

import signal

import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.fitting import train_network


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("kept", [True, False])
def test_a_stopped_training_is_no_success(tmp_path, monkeypatch, number, status, kept):
    """Slurm, Docker and `timeout` stop by SIGTERM, and take 0 for a training that is done."""

    def train(_name, _data, out, *_):
        out.mkdir()
        if kept:
            (out / "last.ckpt").touch()
        signal.raise_signal(number)

    monkeypatch.setattr(train_network, "train_network", train)
    arguments = ["train", "mtmr", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == status
    (line,) = result.stderr.splitlines()
    assert ("the same command with --resume goes on" in line) == kept
    assert str(tmp_path / "out") in line
    assert not result.stdout
