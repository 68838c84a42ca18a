"""ONNX files beside ours: places in world coordinates, whatever the file's own grid; what does not fit its card is told."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import PredictorError, finish
from napari_lungmtl.training.inference.weights import WeightsError

from ....stand_ins.onnx_files import HALF, RADIOGRAPH, VOLUME, write_onnx

BALL = np.array([-292.5, -52.0, 41.5])


@pytest.fixture
def ct() -> Image:
    """A CT of unequal voxels, a blurred ball in air beside a fainter one that the same window does not see."""
    origin, spacing, shape = (-300.0, -60.0, 20.0), (2.5, 0.8, 0.7), (14, 35, 40)
    voxels = np.full(shape, -1024.0)
    for place, peak in ((BALL, 1300), (BALL + [20, 15, -12], 600)):
        steps = [np.arange(n) * s + o - m for n, s, o, m in zip(shape, spacing, origin, place, strict=True)]
        squared = sum(np.square(one) for one in np.meshgrid(*steps, indexing="ij", sparse=True))
        voxels += peak * np.exp(-squared / 2 / 3**2)
    return Image(voxels.astype(np.int16), "CT", spacing, origin, "1.2.3")


def run(path: Path, image: Image):
    """What the file finds in an image."""
    with registry.using_weights([path]):
        info = registry.models()[-1]
        return finish(registry.load_predictor(info.name, "cpu", info.weights).run(image))


@pytest.mark.parametrize("axes", ["RAS", "SPL", "LIA"])
def test_spheres_lie_where_the_scan_is_bright(axes, ct, tmp_path):
    spacing = [{"S": 1.5, "I": 1.5}.get(axis, 0.9) for axis in axes]
    window = [{"S": 8, "I": 8}.get(axis, 16) for axis in axes]
    config = {**VOLUME, "axes": axes, "spacing_mm": spacing, "window": window, "multiple_of": [4, 4, 4]}
    findings = run(write_onnx(tmp_path / "netz ä.onnx", config), ct)
    first, *others = findings
    assert np.abs(np.subtract(first.center, BALL)).max() < 1
    assert first.diameter == HALF
    faint = min(others, key=lambda f: np.linalg.norm(np.subtract(f.center, BALL + [20, 15, -12])))
    assert np.abs(np.subtract(faint.center, BALL + [20, 15, -12])).max() < 1
    near = [f for f in findings if np.linalg.norm(np.subtract(f.center, BALL)) < HALF / 2]
    assert len(near) == 1, "windows that overlap see one ball"
    (model,) = findings.models
    assert re.fullmatch(r"1\.0\+[0-9a-f]{7}", model["version"])
    other = run(write_onnx(tmp_path / "netz ä.onnx", {**config, "overlap": 0.25}), ct).models[0]
    assert other["sha256"] == model["sha256"]
    assert other["version"] != model["version"], "with another card it is done again"
    assert (model["file"], first.provenance.label) == ("netz ä.onnx", f"brightest {model['version']}")


def test_boxes_lie_where_the_radiograph_is_bright(tmp_path):
    pixels = np.zeros((300, 200), np.float32)
    pixels[210:230, 30:50] = 50  # of which the first pixel is marked
    image = Image(pixels, "DX", (0.2, 0.4), (5.0, 7.0), "1.2.4")
    (box,) = run(write_onnx(tmp_path / "flat.onnx", RADIOGRAPH), image)
    scale = 256 / max(300 * 0.2, 200 * 0.4)  # of its square pixels for a millimetre
    assert np.abs(np.subtract(box.center, (5 + 210 * 0.2, 7 + 30 * 0.4))).max() < 0.8
    sides = np.subtract(box.geometry.high, box.geometry.low)
    np.testing.assert_allclose(sides, [2 * HALF / scale] * 2, rtol=1e-5)


def test_predict_names_the_file_in_what_it_writes(ct, tmp_path):
    import SimpleITK as sitk

    from napari_lungmtl.training.cli.app import app

    volume = sitk.GetImageFromArray(ct.voxels)
    volume.SetSpacing(ct.spacing[::-1])
    volume.SetOrigin(ct.origin[::-1])
    sitk.WriteImage(volume, str(tmp_path / "scan.mha"))
    path = write_onnx(tmp_path / "net.onnx", VOLUME)
    command = ["predict", str(tmp_path / "scan.mha"), "--out", str(tmp_path / "out"), "--weights", str(path)]
    done = CliRunner().invoke(app, [*command, "--model", "brightest", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    findings = read_findings(tmp_path / "out" / "scan.lungmtl.json")
    assert np.abs(np.subtract(findings[0].center, BALL)).max() < 1
    (model,) = findings.models
    assert (model["name"], model["file"]) == ("brightest", "net.onnx")
    assert "brightest" not in [info.name for info in registry.models()], "only while the command ran"


def test_of_two_for_one_kind_of_image_none_is_dropped_in_silence(tmp_path):
    files = [write_onnx(tmp_path / f"{name}.onnx", VOLUME, name=name) for name in ("a", "b")]
    with (
        pytest.raises(WeightsError, match="would take the place of a, which was given too"),
        registry.using_weights(files),
    ):
        pass
    assert not {"a", "b"} & {info.name for info in registry.models()}
    flat = write_onnx(tmp_path / "flat.onnx", RADIOGRAPH, name="flat")
    with registry.using_weights([files[0], flat]):
        assert {"a", "flat"} <= {info.name for info in registry.models()}


def test_what_does_not_fit_is_told(ct, tmp_path):
    def refused(**card) -> str:
        path = write_onnx(tmp_path / "net.onnx", card.pop("config", VOLUME), **card)
        with pytest.raises((WeightsError, PredictorError)) as error:
            run(path, ct)
        return str(error.value)

    assert "SHA-256 differs" in refused(sha256="0" * 64)
    assert "calls itself ag3d, as one of the networks here" in refused(name="ag3d")
    assert "letters, digits" in refused(name="../x")
    assert "detectors of other makes can run here" in refused(task="characterisation")
    assert "either CT, or CR and DX" in refused(modalities=["CT", "DX"])
    assert "three of the letters" in refused(config={**VOLUME, "axes": "RAR"})
    assert "overlap too much or too little" in refused(
        config={k: v for k, v in VOLUME.items() if k != "overlap"}
    )
    for changed, words in (
        ({"input": "picture"}, "takes image: tensor(float); its card names 'picture'"),
        ({"scores": "sure"}, "gives scores, spheres, but no sure"),
        ({"window_to": [0, 255]}, "scores that are not between 0 and 1"),
        ({"window": None, "multiple_of": [4096] * 3}, "makes 68,719,476,736 voxels of this scan"),
        ({"window": [1] * 3, "multiple_of": [1] * 3, "spacing_mm": [0.5] * 3}, "windows of this scan"),
    ):
        path = write_onnx(tmp_path / "net.onnx", VOLUME)
        card = json.loads(path.with_suffix(".json").read_text())
        path.with_suffix(".json").write_text(json.dumps({**card, "config": {**VOLUME, **changed}}))
        with pytest.raises((WeightsError, PredictorError), match=re.escape(words)):
            run(path, ct)
    garbage = tmp_path / "garbage.onnx"
    garbage.write_bytes(b"no graph")
    card["sha256"] = hashlib.sha256(b"no graph").hexdigest()
    garbage.with_suffix(".json").write_text(json.dumps({**card, "config": VOLUME}))
    with pytest.raises(WeightsError, match="no ONNX file that can run here"):
        run(garbage, ct)
    path = write_onnx(tmp_path / "net.onnx", VOLUME)
    path.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=r"net.json is missing: weights come with a card"):
        run(path, ct)
