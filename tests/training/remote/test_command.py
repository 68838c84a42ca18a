"""``lungmtl predict --remote``, and what ``lungmtl serve`` does not begin with."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.remote.key_file import write_key
from napari_lungmtl.training.remote.server.serve import Settings, address_for_clients

from ...stand_ins.linear_series import stack, write


def lungmtl(*words):
    ended = CliRunner().invoke(app, [str(word) for word in words])
    return ended.exit_code, " ".join(ended.output.split())


def test_predict_on_another_machine(server, tmp_path):
    case, out, key = tmp_path / "Fall 1", tmp_path / "out", tmp_path / "a b.key"
    write(stack(), case)
    write_key(server.key, key)
    code, said = lungmtl("predict", case, "--out", out, "--model", "toy", "--remote", key)
    assert code == 0, said
    (file,) = out.glob("*.lungmtl.json")
    found = read_findings(file)
    assert (found.image.series_uid, found.image.source, len(found)) == ("1.2.3.4", str(case), 1)
    assert "Fall 1 is bright." in said


def test_what_does_not_go_together_is_told(tmp_path):
    predict = ("predict", tmp_path, "--out", tmp_path / "out")
    for words, expected in (
        ((*predict, "--remote", tmp_path / "no.key"), "no.key does not exist"),
        ((*predict, "--remote", tmp_path / "no.key", "--device", "cpu"), "leave one out"),
        ((*predict, "--remote", tmp_path / "no.key", "--workers", "2"), "--remote cannot be given with"),
        (("serve", "--listen", "0.0.0.0"), "is no host with a port"),
        (("serve", "--listen", "[::1]:99999"), "is no host with a port"),
        (("serve", "--device", "cuda:77", "--keys", tmp_path), "there is no device 'cuda:77' here"),
        (("serve", "--shared", tmp_path / "gone", "--keys", tmp_path), "gone is no folder"),
        (("serve", "--listen", "127.0.0.1:0", "--keys", "/proc/x"), "/proc/x"),
    ):
        code, said = lungmtl(*words)
        assert (code, expected in said) == (1, True), said


@pytest.mark.parametrize(
    ("listens", "given", "called"),
    [
        ("127.0.0.1", "", "127.0.0.1:8786"),
        ("::1", "", "[::1]:8786"),
        ("0.0.0.0", "gpu.example.org", "gpu.example.org:8786"),
        ("0.0.0.0", "gpu.example.org:99", "gpu.example.org:99"),
        ("::", "fe80::1", "[fe80::1]:8786"),
        ("::", "[fe80::1]:99", "[fe80::1]:99"),
    ],
)
def test_the_key_file_says_how_the_machine_is_called(listens, given, called):
    assert address_for_clients(Settings(Path(), listens, address=given), 8786) == f"tls://{called}"
