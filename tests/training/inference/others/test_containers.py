"""Containers beside ours: nodules where the scan has them, whatever its grid; confined, stopped, and told when they fail."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.findings.formats.errors import FindingsFileError
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.findings.import_file import UNKNOWN_MM
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.read import read_image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.others.container.engine import last_line
from napari_lungmtl.training.inference.others.container.files import _report, share
from napari_lungmtl.training.inference.predictor import PredictorError, finish
from napari_lungmtl.training.inference.progress import noted
from napari_lungmtl.training.inference.weights import WeightsError

from ....stand_ins.containers import BALLS, DIGEST, MHUB, Engine, with_balls, write_card
from ....stand_ins.mhub_images import SMIT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in engine is a shell script")


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    """What a run writes is gone after it, however it ended."""
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    yield
    assert not list(own.iterdir())


def load(path: Path):
    """The predictor of a card."""
    with registry.using_weights([path]):
        info = registry.models()[-1]
        return registry.load_predictor(info.name, "cpu", info.weights)


def run(path: Path, image: Image):
    """What the container finds in an image."""
    return finish(load(path).run(image))


def refusal(path: Path, image: Image | None = None) -> str:
    """What a person is told."""
    with pytest.raises((WeightsError, PredictorError)) as error:
        run(path, image or with_balls())
    return str(error.value)


def off(finding, ball) -> float:
    """Millimetres from a ball's middle."""
    return float(np.abs(np.subtract(finding.center, ball[0])).max())


def mirrored(image: Image, path: Path) -> Image:
    """The same CT, read from a file whose rows and columns run to the front and the right."""
    import SimpleITK as sitk

    volume = sitk.GetImageFromArray(np.ascontiguousarray(image.voxels[:, ::-1, ::-1]))
    last = image.to_world(np.array(image.shape) - 1)
    volume.SetSpacing(image.spacing[::-1])
    volume.SetOrigin((last[2], last[1], image.origin[0]))
    volume.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(volume, str(path))
    return read_image(path)


def test_nodules_of_a_report_lie_where_the_balls_are(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch, "grt123")
    card = write_card(tmp_path / "grt ä.container.json")
    image = mirrored(with_balls(), tmp_path / "mirrored.mha")
    findings = run(card, image)
    assert [off(f, ball) < 0.3 for f, ball in zip(findings, BALLS, strict=True)] == [True, True]
    assert [f.diameter for f in findings] == pytest.approx([9, 6], abs=1), "measured here"
    assert [f.score for f in findings] == pytest.approx([0.9, 0.7])
    assert [f.scores["cancer"] for f in findings] == pytest.approx([0.75, 0.25])
    assert findings.image.series_uid == image.series_uid
    assert (engine.folder / "command").read_text().split("\n") == [
        *("--workflow", "default", "--print", "--stop-on-error")
    ]
    (model,) = findings.models
    assert re.fullmatch(r"2\.0\.0\+[0-9a-f]{7}", model["version"])
    assert (model["sha256"], model["image_id"]) == (DIGEST, engine.identifier)
    assert findings[0].provenance.label == f"grt123 {model['version']}"
    assert not engine.running


def test_parts_of_the_segment_that_is_named_are_nodules(tmp_path, monkeypatch):
    Engine(tmp_path, monkeypatch, "smit")
    card = write_card(tmp_path / "a.container.json", findings=f"*/{SMIT}", segments=["86049000"])
    notes: list[str] = []
    image = with_balls()
    image.metadata["frame_of_reference_uid"] = (
        "1.2.3.4"  # as of a CT read from DICOM; the container got a copy
    )
    findings = finish(noted(load(card).run(image), notes))
    for (ball, diameter), finding in zip(BALLS, sorted(findings, key=lambda f: -f.diameter), strict=True):
        assert off(finding, (ball, diameter)) < 0.3
        assert finding.kind == "mask"
        assert abs(finding.diameter - diameter) < 1
    said = " ".join(notes)
    assert "segment Liver is none that its card calls nodules" in said
    assert "gives no scores" in said


def test_a_submission_has_marks_on_the_scan_only(tmp_path, monkeypatch):
    Engine(tmp_path, monkeypatch, "csv")
    image = with_balls()
    notes: list[str] = []
    card = write_card(tmp_path / "a.container.json", findings="nodules.csv")
    (finding,) = finish(noted(load(card).run(image), notes))
    assert finding.diameter == UNKNOWN_MM
    assert notes[0].endswith("1 of its marks lie outside of the image, and are left out.")
    assert notes[1].endswith("0 of 1 were measured here, and 10 mm is taken for the others.")
    np.testing.assert_allclose(finding.center, np.add(image.origin, (5, 4, 3)), atol=1e-6)


def test_an_image_that_is_not_pinned_is_told(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch, "grt123", "mhubai/own:latest")
    card = write_card(tmp_path / "a.container.json", image="mhubai/own:latest", pinned=False, engine="podman")
    notes = [step.note for step in load(card).run(with_balls()) if step.note]
    assert f"mhubai/own:latest was {engine.identifier[7:19]} now" in notes[0]
    assert "probability of cancer is 0.96 for this scan" in notes[1]


def test_predict_names_the_container_in_what_it_writes(tmp_path, monkeypatch):
    from napari_lungmtl.training.cli.app import app

    Engine(tmp_path, monkeypatch, "grt123")
    card = write_card(tmp_path / "a.container.json")
    mirrored(with_balls(), tmp_path / "scan.mha")
    words = ["predict", str(tmp_path / "scan.mha"), "--out", str(tmp_path / "out"), "--weights", str(card)]
    done = CliRunner().invoke(app, [*words, "--model", "grt123", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    findings = read_findings(tmp_path / "out" / "scan.lungmtl.json")
    assert off(findings[0], BALLS[0]) < 0.3
    assert findings.models[0]["file"] == "a.container.json"


@pytest.mark.parametrize("program", ["hangs", "late"])
def test_a_run_that_is_closed_leaves_no_container(program, tmp_path, monkeypatch):
    """Also one that has not begun yet."""
    engine = Engine(tmp_path, monkeypatch, program)
    steps = load(write_card(tmp_path / "a.container.json")).run(with_balls())
    stage = next(steps).stage
    while "CT lung cancer risk" not in stage or (program == "hangs" and "working" not in stage):
        stage = next(steps).stage
    assert bool(engine.running) is (program == "hangs")
    steps.close()
    assert not engine.running
    if program == "hangs":
        with pytest.raises(ProcessLookupError):
            os.kill(int(stage.split()[-1]), 0)


def test_an_engine_that_is_lost_leaves_no_container(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch, "lost")
    assert "ended with exit status -9" in refusal(write_card(tmp_path / "a.container.json"))
    assert not engine.running


@pytest.mark.skipif(not hasattr(os, "setxattr") or os.getuid(), reason="root writes, as a container's does")
def test_what_root_writes_is_deleted_by_a_user_without_rights(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)  # where another user may go
    user = 54321
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        out.mkdir(mode=0o777)
        for each in (out, out.parent):
            os.chown(each, user, user)
        monkeypatch.setattr(os, "getuid", lambda: user)
        share(out)
        (out / "1.2.3").mkdir()
        (out / "1.2.3" / "lungs.nii.gz").touch()
        if not os.listxattr(out):
            pytest.skip("a file system without access control lists")
        subprocess.run(["rm", "-r", out], user=user, group=user, extra_groups=[], check=True)


def test_what_a_report_calls_a_probability_is_one(tmp_path):
    report = {"lungcad": {"coordinatesystem": "World"}, "findings": []}
    for cancer in (75.0, -0.1):
        (tmp_path / "a.json").write_text(
            json.dumps({**report, "cancerinfo": {"casecancerprobability": cancer}})
        )
        with pytest.raises(FindingsFileError, match="between 0 and 1"):
            _report(tmp_path / "a.json")


def test_what_fails_is_told(tmp_path, monkeypatch):
    for n, (program, words) in enumerate(
        (
            ("fails", "CT lung cancer risk ended with exit status 1: FileNotFoundError: weights.pt"),
            (
                "silent",
                r"there are 0 files \*/gc_grt123_lung_cancer_findings.json in its output.* workflow 'default' was",
            ),
            ("damaged", r"cannot be used: [\d.]+/gc_grt123_lung_cancer_findings.json is damaged"),
            ("leads_out", "there are 0 files"),
        )
    ):
        folder = tmp_path / str(n)
        folder.mkdir()
        Engine(folder, monkeypatch, program)
        assert re.search(words, refusal(write_card(folder / "a.container.json")))
    other = write_card(folder / "b.container.json", image=f"other@sha256:{DIGEST}")
    told = "'docker pull other@sha256:1f1f1f1f1f1f…' (all digits of the card) fetches it"
    assert told in refusal(other)
    (folder / "engine" / "stopped").touch()
    assert "docker cannot be used (Cannot connect to the Docker daemon" in refusal(other)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "docker is not installed here" in refusal(other)
    assert "is a flat image" in refusal_of_flat(folder, monkeypatch)


def refusal_of_flat(folder: Path, monkeypatch) -> str:
    flat = Image(np.full((9, 9), -900, np.int16), "CT", (1.0, 1.0))
    engine = folder / "flat"
    engine.mkdir()
    Engine(engine, monkeypatch, "grt123")
    return refusal(write_card(engine / "a.container.json"), flat)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"image": "--privileged"}, "no name of an image"),
        ({"image": "a -v /:/host"}, "no name of an image"),
        ({"image": f"a@sha256:{DIGEST} b"}, "no name of an image"),
        ({"image": "a:latest"}, "names no digest, and pinned is True"),
        ({"pinned": False}, "names a digest, and pinned is False"),
        ({"engine": "sh"}, "docker or podman"),
        ({"workflow": "--config=/etc/passwd"}, "no name of a workflow"),
        ({"workflow": ["default"]}, "no name of a workflow"),
        ({"findings": "../../*.json"}, "no path in the output"),
        ({"findings": "a/../../b.json"}, "no path in the output"),
        ({"findings": "*/a.pkl"}, "can be read"),
        ({"findings": "a**/b.json"}, "no path in the output"),
        ({"findings": "*/a.dcm"}, "segments names those of a DICOM SEG"),
        ({"segments": ["1"]}, "segments names those of a DICOM SEG"),
        ({"network": "host"}, "network too much or too little"),
    ],
)
def test_a_card_adds_no_option(config, words, tmp_path):
    path = write_card(tmp_path / "a.container.json", **config)
    with pytest.raises(WeightsError, match=words), registry.using_weights([path]):
        pass


def test_only_detectors_of_ct_have_cards(tmp_path):
    for card, words in (({"modalities": ["DX"]}, "run on CT"), ({"task": "segmentation"}, "detectors of")):
        path = write_card(tmp_path / "a.container.json", card)
        with pytest.raises(WeightsError, match=words), registry.using_weights([path]):
            pass


def test_the_stand_in_would_refuse_a_network(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch, "grt123")
    words = ["run", "--rm", "--name=a", "--pull=never", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    mounts = ["-v", f"{tmp_path}:/app/data/input_data:ro", "-v", f"{tmp_path}:/app/data/output_data:Z"]
    said = subprocess.run(
        [engine.folder / "docker", *words, *mounts, engine.identifier],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 125
    assert said.stderr.startswith("refused")


def test_last_line_is_fit_to_be_shown():
    assert last_line(b"a\n\x1b[95mb\x1b[0m 10 %\r\x1b[96mb 20 %\x1b[0m\x07\n \n") == "b 20 %\\x07"
    assert last_line(b"done " + b"=" * 50 + b" /a/b") == f"done {'=' * 39}… /a/b"
    assert last_line(b"") == ""


def test_the_card_in_the_docs_is_one(tmp_path, monkeypatch):
    page = Path(__file__).parents[4] / "docs" / "other-networks.md"
    text = page.read_text(encoding="utf-8")
    (card,) = [b for b in re.findall(r"```json\n(.*?)```", text, re.S) if '"engine"' in b]
    path = tmp_path / "a.container.json"
    path.write_text(json.dumps(json.loads(card.replace("…", DIGEST))))
    with registry.using_weights([path]):
        assert registry.models()[-1].name == "grt123"
    assert set(json.loads(card)["config"]) == set(MHUB)
