"""The report of an evaluation: its numbers are the JSON's, every name is escaped, nothing comes from elsewhere."""

import io
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_lungmtl.training.case_list.read import read_case_list
from napari_lungmtl.training.evaluation.whole_scans import evaluate_whole_scans
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.inference.weights import ModelCard
from napari_lungmtl.training.networks.dhn.evaluation import evaluate as evaluate_dhn
from napari_lungmtl.training.report_html import build
from napari_lungmtl.training.report_html.build import HTML, JSON, command_of, html, write_report
from napari_lungmtl.training.report_html.thumbnails import FALSE_ALARM, MARK, TRUTH, thumbnail

from ...stand_ins.square_finder import SquareFinder, write_simulated
from ...stand_ins.whole_scans_folder import LESION, Marker, write_whole_scans

pytest.importorskip("matplotlib")
CARD = ModelCard("marker", "1", "Marker", "for tests", ("CT",), {})
EVIL = '<script>alert("x")</script>&amp;'


class Page(HTMLParser):
    """What a browser would find: numbers by their key, addresses, scripts, and the cells of the table of cases."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: dict[str, tuple[str, str]] = {}
        self.addresses: list[str] = []
        self.scripts = 0
        self.texts: list[str] = []
        self._key: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.addresses += [values[name] for name in ("src", "href") if name in values]
        self.scripts += tag == "script"
        if tag == "data":
            self._key = values["data-key"], values["value"]

    def handle_data(self, data):
        self.texts.append(data)
        if self._key is not None:
            self.numbers[self._key[0]] = (self._key[1], data)
            self._key = None


def at(values, key):
    """The JSON's value of a key such as ``metrics.at_threshold.0.5.found``: names may hold points."""
    if not key:
        return values
    if isinstance(values, list):
        head, _, rest = key.partition(".")
        return at(values[int(head)], rest)
    for name in values:
        if key == name or key.startswith(name + "."):
            try:
                return at(values[name], key[len(name) + 1 :])
            except (KeyError, TypeError, AttributeError):
                continue
    raise KeyError(key)


def leaves(values, path=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{path}{name}"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Two thoraces, one of them with a missed lesion and a false alarm, of the other nobody knows anything."""
    pictures = {}
    figures = evaluate_whole_scans(
        Marker([(LESION[0], LESION[1] + 9, LESION[2], 6.0, 0.9), (-30.0, 60.0, -40.0, 5.0, 0.6)]),
        CARD,
        write_whole_scans(tmp_path_factory.mktemp("data")),
        folds=["all"],
        on_case=lambda row, image: pictures.update({row["name"]: thumbnail(row, image)}),
    )
    return figures, pictures


def test_the_numbers_of_the_page_are_those_of_the_json(evaluated, tmp_path):
    figures, pictures = evaluated
    write_report(figures, tmp_path, pictures)
    values = json.loads((tmp_path / JSON).read_text())
    page = Page((tmp_path / HTML).read_text())
    assert values == json.loads(json.dumps({k: v for k, v in figures.items() if k != "table"}))
    assert {key for key in page.numbers if key.startswith("metrics")} == set(
        leaves(values["metrics"], "metrics.")
    )
    for key, (value, text) in page.numbers.items():
        known = at(values, key)
        assert float(value) == known
        assert text == (str(known) if isinstance(known, int) else f"{known:.4g}")
    for i, case in enumerate(values["cases_detail"]):
        shown = {key.rpartition(".")[2] for key in page.numbers if key.startswith(f"cases_detail.{i}.")}
        figures_of_case = (
            "nodules",
            "missed",
            "highest_false_alarm",
            "disagreement",
            "distance_mm",
            "spread",
        )
        assert shown == {name for name in figures_of_case if case[name] is not None}
    a, b = values["cases_detail"]
    assert (a["missed"], a["highest_false_alarm"], a["nodules"]) == (1, 0.9, 1)
    assert a["distance_mm"] == pytest.approx(9.0)
    assert [a[f"at_{axis}"] for axis in "xyz"] == list(LESION[2::-1])
    assert (b["missed"], b["highest_false_alarm"], b["nodules"]) == (None, None, None)


def test_everything_is_in_the_page_and_the_tables_beside_it(evaluated, tmp_path):
    figures, pictures = evaluated
    write_report(figures, tmp_path, pictures)
    text = (tmp_path / HTML).read_text()
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"https?://|@import|url\(", text)
    assert [case.name for case in read_case_list(tmp_path / "cases.csv")] == ["A", "B"]
    commands = [t for t in page.texts if t.startswith("lungmtl view")]
    assert shlex.split(commands[0]) == ["lungmtl", "view", str(tmp_path / JSON)]
    place = ",".join(f"{v:.1f}" for v in LESION[2::-1])
    assert shlex.split(commands[1])[2:] == [
        figures["cases_detail"][0]["path"],
        "--findings",
        str(tmp_path / JSON),
        f"--at={place}",
    ]
    for warning in figures["warnings"]:
        assert warning in page.texts


def test_no_name_becomes_markup(evaluated, tmp_path):
    figures, pictures = evaluated
    rows = [{**row, "name": EVIL, "path": f"/x/{EVIL}'; rm -rf ~"} for row in figures["cases_detail"]]
    evil = {
        **figures,
        "network": EVIL,
        "data": EVIL,
        "warnings": [EVIL],
        "cases_detail": rows,
        "table": [[EVIL], [EVIL]],
        "metrics": {**figures["metrics"], EVIL: {EVIL: 1}},
    }
    page = Page(html(evil, tmp_path / JSON, {EVIL: pictures["A"]}))
    assert page.scripts == 1  # its own
    assert page.texts.count(EVIL) >= 6
    assert shlex.split(command_of(rows[0], tmp_path / JSON))[2] == f"/x/{EVIL}'; rm -rf ~"


def test_a_case_that_no_file_is_known_of_has_no_command(tmp_path):
    assert command_of({"name": "a", "path": None}, tmp_path) == ""
    folder = {"name": "a", "path": str(tmp_path), "series_uid": "1.2", "at_x": 1, "at_y": 2, "at_z": -3}
    assert shlex.split(command_of(folder, tmp_path / JSON))[-3:] == ["--series", "1.2", "--at=1.0,2.0,-3.0"]


def colors(jpeg):
    """How many pixels have about each sign's colour."""
    pixels = np.asarray(Picture.open(io.BytesIO(jpeg)).convert("RGB"), int)

    def near(color):
        wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        return int((np.abs(pixels - wanted).max(-1) < 60).sum())

    return {name: near(color) for name, color in (("truth", TRUTH), ("mark", MARK), ("false", FALSE_ALARM))}


def test_pictures_show_truth_and_marks(evaluated):
    _, pictures = evaluated
    a, b = (colors(pictures[name]) for name in "AB")
    assert a["truth"] > 100
    assert a["false"] > 50
    assert b["truth"] == b["false"] == 0  # of marks there nobody knows
    assert b["mark"] > 30
    assert Picture.open(io.BytesIO(pictures["A"])).size == (436, 144)


def test_radiographs(tmp_path):
    """Places and pictures in pixels of the file; ROC and FROC are drawn."""
    card = tmp_path / "dhn.safetensors"
    values = ModelCard("dhn", "0.1", "dhn", "", ("CR", "DX"), {}, "a" * 64).to_json()
    card.with_suffix(".json").write_text(json.dumps(values))
    pictures = {}

    def add(row, image):
        pictures[row["name"]] = thumbnail(row, image)

    figures = evaluate_dhn(SquareFinder(), write_simulated(tmp_path / "set"), card, on_case=add)
    assert len(pictures) == 8
    write_report(figures, tmp_path / "report", pictures)
    page = Page((tmp_path / "report" / HTML).read_text())
    assert {"FROC", "ROC: radiographs with and without a nodule"} <= set(page.texts)
    hits = [row for row in figures["cases_detail"] if row["nodules"]]
    assert [row["missed"] for row in hits] == [0] * 4
    for case in read_case_list(tmp_path / "report" / JSON):
        if case.nodules:
            x0, y0, x1, y1 = case.truth[0]
            assert x0 < case.at[0] < x1
            assert y0 < case.at[1] < y1
            assert isinstance(case.marks(), Findings)
    alarms = [row["highest_false_alarm"] for row in figures["cases_detail"]]
    assert sum(a is not None for a in alarms) == 1


def test_without_matplotlib_it_says_so_before_the_work(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(build.ReportError, match=r"pip install 'napari-lungmtl\[report\]'"):
        build.require_plots()


def test_a_folder_that_cannot_be_made(evaluated, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(build.ReportError, match="choose another folder"):
        write_report(evaluated[0], Path(tmp_path / "file" / "x"), {})
