"""``lungmtl evaluate`` and ``froc`` with --report: the official figures stay as they are, and one page shows the cases."""

import json

import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.cli.app import app
from napari_lungmtl.training.cli.common import Failed
from napari_lungmtl.training.cli.view import _place
from napari_lungmtl.training.evaluation import evaluate as engine_evaluate

from ...stand_ins.case_folder import write_scan

pytest.importorskip("matplotlib")
HEAD = "seriesuid,coordX,coordY,coordZ,"


def lungmtl(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def challenge(tmp_path):
    """Two scans at hand: of one the nodule is missed at one false positive a scan; of a third there is no file."""
    for name in ("01", "02"):
        write_scan(tmp_path / "ct" / f"{name}.nii.gz")
    (tmp_path / "truth.csv").write_text(f"{HEAD}diameter_mm\n01,0,25,-85,10\n02,0,25,-85,10\n")
    (tmp_path / "series.csv").write_text("01\n02\n03\n")
    marks = "01,0,25,-84,0.9\n01,0,25,-20,0.8\n02,0,25,-84,0.2\n02,0,9,-84,0.7\n03,0,0,0,0.6\n03,0,0,9,0.5\n"
    (tmp_path / "marks.csv").write_text(f"{HEAD}probability\n{marks}")
    files = {"--truth": "truth.csv", "--series": "series.csv", "--submission": "marks.csv"}
    return [word for option, name in files.items() for word in (option, tmp_path / name)]


def test_froc_with_a_report(tmp_path, challenge):
    plain = lungmtl("froc", *challenge, "--json", tmp_path / "plain.json")
    result = lungmtl(
        *(
            "froc",
            *challenge,
            "--json",
            tmp_path / "f.json",
            "--report",
            tmp_path / "r",
            "--images",
            tmp_path / "ct",
        )
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures == json.loads((tmp_path / "plain.json").read_text())
    assert result.stdout == plain.stdout + f"{tmp_path / 'r' / 'report.html'}\n"
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["metrics"] == {key: value for key, value in figures.items() if key != "warnings"}
    assert report["threshold"] == 0.6
    rows = {row["name"]: row for row in report["cases_detail"]}
    assert [rows[uid]["missed"] for uid in ("01", "02", "03")] == [0, 1, 0]
    assert [rows[uid]["highest_false_alarm"] for uid in ("01", "02", "03")] == [0.8, 0.7, 0.6]
    assert rows["02"]["path"] == str(tmp_path / "ct" / "02.nii.gz")
    assert rows["03"]["path"] is None
    page = (tmp_path / "r" / "report.html").read_text()
    assert page.count("data:image/jpeg") == 2
    assert page.index("<b>02</b>") < page.index("<b>01</b>") < page.index("<b>03</b>")


def test_what_a_report_cannot_be_is_said_before_the_work(tmp_path, challenge):
    (tmp_path / "file").touch()
    for arguments, words in (
        (("froc", *challenge, "--report", tmp_path / "file"), "is a file: name another folder"),
        (("froc", *challenge, "--images", tmp_path), "--images belong to a report"),
        (("evaluate", "ag3d", "--data", tmp_path, "--report", tmp_path / "file"), "is a file"),
    ):
        result = lungmtl(*arguments)
        assert (result.exit_code, words in result.stderr) == (1, True), result.output


def test_evaluate_draws_each_case_while_its_image_is_open(tmp_path, monkeypatch):
    def fake(network, data, on_case, **_):
        from napari_lungmtl.training.imaging import read_image

        path = write_scan(tmp_path / "a.nii.gz")
        row = {
            "name": "a",
            "path": str(path),
            "series_uid": "a",
            "missed": 1,
            "nodules": 1,
            "found": [],
            "truth": [],
        }
        on_case(row, read_image(path))
        return {
            "network": network,
            "data": str(data),
            "metrics": {"x": 0.5},
            "cases": 1,
            "cases_detail": [row],
        }

    monkeypatch.setattr(engine_evaluate, "evaluate_network", fake)
    result = lungmtl("evaluate", "ag3d", "--data", tmp_path, "--report", tmp_path / "r")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "r" / "report.html").read_text().count("data:image/jpeg") == 1
    assert (tmp_path / "r" / "cases.csv").is_file()


def test_places_are_two_or_three_numbers():
    assert _place("-50,60.5, -80") == (-50, 60.5, -80)
    for text in ("1", "1,2,3,4", "a,b", "1,nan"):
        with pytest.raises(Failed, match="write x,y,z in mm"):
            _place(text)
