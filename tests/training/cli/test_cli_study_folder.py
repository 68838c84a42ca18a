"""``lungmtl predict`` on a study as a hospital exports it: the scan is read, the rest is passed over with one line."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from napari_lungmtl.training.cli import app as cli
from napari_lungmtl.training.cli import common
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.imaging import Image, read_image, write_volume
from napari_lungmtl.training.imaging.errors import NoLungFoundError
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress
from napari_lungmtl.training.inference.suitability import check_ct

from ...stand_ins.fresh_models import fresh_model_store
from ...stand_ins.linear_series import ct_slice, stack, write

NOWHERE = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
SCOUT = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}


class Stub:
    """Finds one nodule in any CT volume, except in heads, where there is no lung."""

    info = ModelInfo("stub", "Stub", "tests", ("CT", "CR", "DX"), "1.0", 0.5)

    def run(self, image):
        yield Progress(0.1, "looking")
        check_ct(image, "Stub")
        if image.metadata.get("series_description") == "Head":
            raise NoLungFoundError(f"{image.source}: no lung was found; open a chest CT.")
        finding = Finding(Sphere((0.0, 0.0, 0.0), 8), 0.9, provenance=Provenance("stub", "1.0"))
        return Findings((finding,), ImageReference(image.series_uid, modality="CT"), ({"name": "stub"},))


@pytest.fixture(autouse=True)
def stub_registry(monkeypatch):
    monkeypatch.setattr(registry, "models", lambda: (Stub.info,))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto", weights=None: Stub())
    common.debug(False)
    fresh_model_store(monkeypatch)


def predict(folder, out):
    result = CliRunner().invoke(
        cli.app, ["predict", str(folder), "--out", str(out), "--json", str(out / "s.json")]
    )
    summary = json.loads((out / "s.json").read_text())
    return result, [case["series"] for case in summary["cases"]]


def others(folder):
    """Everything but the scan."""
    write(
        [
            ct_slice(0, position=[-10, 0, 60], SeriesInstanceUID="1.7.1", **SCOUT),
            ct_slice(0, position=[-10, 5, 60], SeriesInstanceUID="1.7.2", **SCOUT),
            ct_slice(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SeriesInstanceUID="1.7.3", **NOWHERE),
            *(ct_slice(30, k, SeriesInstanceUID="1.7.4", InstanceNumber=k) for k in range(7)),
            *stack(6, SeriesInstanceUID="1.7.5", ImageType=["DERIVED", "SECONDARY", "MPR"]),
            *stack(6, SeriesInstanceUID="1.7.6", ImageType=["DERIVED", "SECONDARY", "OTHER", "MIP"]),
            *stack(6, SeriesInstanceUID="1.7.7", Modality="MR"),
            ct_slice(200, SeriesInstanceUID="1.7.8"),
        ],
        folder,
    )


def air(datasets):
    """Slices with air at the rim, as a CT has."""
    for ds in datasets:
        values = np.frombuffer(ds.PixelData, "<u2").copy()
        values[:4] = 0
        ds.PixelData = values.tobytes()
    return datasets


def test_what_is_no_scan_is_passed_over_with_one_line(tmp_path):
    others(tmp_path / "study" / "rest")
    write(air(stack(8, SeriesInstanceUID="1.2.1")), tmp_path / "study" / "chest")
    result, cases = predict(tmp_path / "study", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert cases == ["1.2.1"]
    (line,) = [line for line in result.stderr.splitlines() if "passed over" in line]
    for kind in (
        "2 localizer",
        "1 screen capture",
        "1 several times one place",
        "1 reformatted",
        "1 rendered from a volume",
        "1 MR",
        "1 CT of 3 slices or fewer",
        "8 series were passed over",
    ):
        assert kind in line


def test_nothing_else_is_an_error(tmp_path):
    write(
        [ct_slice(0, position=[-10, 5 * k, 60], SeriesInstanceUID=f"1.7.{k}", **SCOUT) for k in range(2)],
        tmp_path / "a",
    )
    result, cases = predict(tmp_path / "a", tmp_path / "out")
    assert (result.exit_code, cases) == (1, [])
    assert "holds no scan or radiograph" in result.stderr
    assert "2 localizer" in result.stderr


def test_a_localizer_alone_is_named(tmp_path):
    (file,) = write([ct_slice(0, position=[-10, 5, 60], **SCOUT)], tmp_path / "a")
    result, cases = predict(file, tmp_path / "out")
    assert (result.exit_code, cases) == (1, [])
    assert "1 localizer" in result.stderr


def test_a_reformat_is_taken_where_there_is_nothing_better(tmp_path):
    write(air(stack(6, ImageType=["DERIVED", "SECONDARY", "MPR"])), tmp_path / "a")
    result, cases = predict(tmp_path / "a", tmp_path / "out")
    assert (result.exit_code, cases) == (0, ["1.2.3.4"])


def test_a_head_beside_the_chest_is_passed_over(tmp_path):
    head = air(stack(8, SeriesInstanceUID="1.2.2", SeriesDescription="Head"))
    write(head, tmp_path / "study" / "head")
    result, cases = predict(tmp_path / "study", tmp_path / "alone")
    assert (result.exit_code, cases) == (1, [])
    write(air(stack(8, SeriesInstanceUID="1.2.1")), tmp_path / "study" / "chest")
    result, cases = predict(tmp_path / "study", tmp_path / "out")
    assert (result.exit_code, cases) == (0, ["1.2.1"])
    assert "no lung was found" in result.stderr


def test_each_phase_is_a_case(tmp_path):
    phases = [ds for k in range(3) for ds in stack(8, shift=50 * k, AcquisitionNumber=k + 1)]
    write(air(phases), tmp_path / "a")
    result, cases = predict(tmp_path / "a", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert cases == ["1.2.3.4", "1.2.3.4#2", "1.2.3.4#3"]


def test_a_damaged_volume_in_a_folder_is_a_failure_and_costs_no_other(tmp_path):
    (tmp_path / "scans").mkdir()
    values = np.zeros((8, 10, 12), np.int16)
    values[:, :2] = -1000
    for name in ("a.nii.gz", "b.mha"):
        write_volume(Image(values, spacing=(2.5, 1.0, 1.0)), tmp_path / "scans" / name)
    (tmp_path / "scans" / "c.nii.gz").write_bytes(b"<html>404</html>")
    moments = sitk.JoinSeries([sitk.GetImageFromArray(values)] * 2)
    sitk.WriteImage(moments, str(tmp_path / "scans" / "d.nrrd"))
    result, cases = predict(tmp_path / "scans", tmp_path / "out")
    assert result.exit_code == 1
    assert sorted(cases) == ["a", "b"]
    assert "c.nii.gz is a web page" in result.output
    assert "passed over:" in result.output
    assert "1 of 3 inputs failed" in result.output
    (tmp_path / "scans" / "b.mha").unlink()
    assert any("c.nii.gz is a web page" in said for said in read_image(tmp_path / "scans").warnings)
