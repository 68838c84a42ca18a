"""What napari finds in the manifest: reader, writer, sample, dock; and what importing them costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Points
from npe2 import PluginManager, PluginManifest
from PIL import Image

from napari_lungmtl.contributions import reader
from napari_lungmtl.contributions.samples import sample_radiograph
from napari_lungmtl.layers.spheres.layer import SphereBinding
from napari_lungmtl.layers.spheres.layer_data import findings_of_points, points_layer_data
from napari_lungmtl.training.findings import Findings, Sphere
from napari_lungmtl.training.findings.formats.csv_file import read_csv
from napari_lungmtl.training.findings.formats.json_file import read_findings, write_findings
from napari_lungmtl.training.imaging import write_volume
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.errors import NotAFrontalRadiographError, TruncatedFileError

from ...stand_ins.chests import ball, chest

NAME = "napari-lungmtl"


@pytest.fixture
def manager() -> PluginManager:
    manager = PluginManager()
    manager.register(PluginManifest.from_distribution(NAME))
    manager.activate(NAME)
    return manager


@pytest.fixture(autouse=True)
def fresh_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_last", reader._Opened())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that napari would show."""
    said: list[str] = []
    monkeypatch.setattr(reader, "show_warning", said.append)
    return said


@pytest.fixture
def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_has_window", lambda: False)


def test_every_contributed_command_can_be_imported(manager: PluginManager) -> None:
    manifest = manager.get_manifest(NAME)
    ids = {command.id for command in manifest.contributions.commands}
    assert all(id.startswith(f"{NAME}.") for id in ids)
    for command in manifest.contributions.commands:
        assert callable(manager.commands.get(command.id))


@pytest.mark.parametrize(
    "name",
    [
        "a.dcm",
        "A.DCM",
        "-190.460000.dcm",
        "1.3.6.1.4.1.14519.5.2",
        "CT.1.2.840.113.1",
        "x.mhd",
        "x.nii.gz",
        "x.nrrd",
        "film.png",
        "film.jpeg",
        "s.lungmtl.json",
    ],
)
def test_names_of_ours(manager: PluginManager, name: str) -> None:
    assert [r.command for r in manager.iter_compatible_readers([name])] == [f"{NAME}.read"]


@pytest.mark.parametrize("name", ["table.csv", "notes.json", "README.md", "a.raw", "movie.avi"])
def test_names_that_are_left_to_others(manager: PluginManager, name: str) -> None:
    assert list(manager.iter_compatible_readers([name])) == []


def test_folders_are_claimed_for_what_is_in_them(tmp_path: Path) -> None:
    assert reader.get_reader(str(tmp_path)) is None
    (tmp_path / "cells.tif").write_bytes(b"II*\0")
    assert reader.get_reader(str(tmp_path)) is None
    deep = tmp_path / "study" / "series"
    deep.mkdir(parents=True)
    (deep / "IM0001").write_bytes(b"\0" * 128 + b"DICM")  # no suffix: told by its first bytes
    assert reader.get_reader(str(tmp_path)) is not None
    assert reader.get_reader(str(tmp_path / "missing.dcm")) is None


def test_a_dropped_series_is_opened_once(tmp_path: Path, said) -> None:
    write_series(chest(), tmp_path)
    files = sorted(str(file) for file in tmp_path.iterdir() if file.suffix == ".dcm")
    assert len(files) == 20
    results = [reader.get_reader(file)(file) for file in files]
    assert [len(result[0]) for result in results] == [3] + [1] * 19
    data, attributes, kind = results[0][0]
    assert kind == "image"
    np.testing.assert_array_equal(data, chest().voxels)
    np.testing.assert_allclose(attributes["scale"], (2.5, 0.7, 0.7))
    np.testing.assert_allclose(attributes["translate"], (-190, 5, -6))
    again = reader.get_reader(files[0])(files[0])
    assert len(again[0]) == 3  # the same file a second time is meant


def _two_series(folder: Path) -> None:
    write_series(chest(metadata={"series_description": "thin"}), folder / "a")
    small = chest(series_uid="1.2.4", metadata={"series_description": "scout"})
    write_series(type(small)(small.voxels[:3], "CT", small.spacing, small.origin, "1.2.4"), folder / "b")


def test_of_several_series_the_person_chooses(tmp_path: Path, monkeypatch, said) -> None:
    from napari_lungmtl.panel.study import series_chooser

    _two_series(tmp_path)
    offered = []

    def choose(series, parent=None) -> str:
        offered.extend(series)
        return min(series, key=lambda s: s.n_slices).uid

    monkeypatch.setattr(reader, "_has_window", lambda: True)
    monkeypatch.setattr(series_chooser, "choose_series", choose)
    [(data, _, _)] = reader.get_reader(str(tmp_path))(str(tmp_path))
    assert sorted(s.n_slices for s in offered) == [3, 20]
    assert data.shape[0] == 3
    monkeypatch.setattr(series_chooser, "choose_series", lambda series, parent=None: None)
    assert reader.get_reader(str(tmp_path))(str(tmp_path)) == [(None,)]


def test_without_a_window_the_largest_series_is_opened_and_said(tmp_path: Path, no_window, said) -> None:
    _two_series(tmp_path)
    [(data, _, _)] = reader.get_reader(str(tmp_path))(str(tmp_path))
    assert data.shape[0] == 20
    assert "2 series" in said[0]


def test_a_broken_file_is_a_sentence(lungmtl_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.dcm"
    path.write_bytes((lungmtl_data / "dicom" / "broken" / "truncated.dcm").read_bytes())
    with pytest.raises(TruncatedFileError, match=r"broken\.dcm"):
        reader.get_reader(str(path))(str(path))


def test_the_viewer_opens_a_volume_file(manager, tmp_path: Path, said) -> None:
    path = write_volume(chest(), tmp_path / "scan.nrrd")
    read = manager.commands.get(f"{NAME}.read")(str(path))
    viewer = ViewerModel()
    [layer] = [viewer.add_image(data, **attributes) for data, attributes, _ in read(str(path))]
    np.testing.assert_allclose(layer.data_to_world((1, 2, 3)), chest().to_world((1, 2, 3)), atol=1e-4)


def test_findings_files_come_back_as_spheres(tmp_path: Path) -> None:
    findings = Findings((ball(-180, d=21.45), ball(-150, score=0.2)))
    write_findings(findings, tmp_path / "case.lungmtl.json")
    [(data, attributes, kind)] = reader.get_reader(path := str(tmp_path / "case.lungmtl.json"))(path)
    layer = Points(data, **attributes)
    assert kind == "points"
    assert layer.name == "case"
    np.testing.assert_allclose(layer.data_to_world(layer.data[0]), (-180, 20, 10))
    np.testing.assert_allclose(layer.size * layer.scale[-1], (21.45, 8))


def _layer_tuple(layer: Points) -> tuple:
    data, attributes, _ = layer.as_layer_data_tuple()
    return data, attributes


def test_saving_a_layer_writes_hidden_findings_too(manager, session, viewer, tmp_path: Path) -> None:
    binding = SphereBinding(viewer, session)
    session.reject(session.visible[0].id)
    write = manager.commands.get(f"{NAME}.write")
    [path] = write(str(tmp_path / "mine.lungmtl.json"), *_layer_tuple(binding.layer))
    assert read_findings(path) == session.findings
    [path] = write(str(tmp_path / "mine.csv"), *_layer_tuple(binding.layer))
    [(uid, rows)] = read_csv(path).items()
    assert uid == "1.2.3"
    assert [f.center for f in rows] == [f.center for f in session.findings]
    assert [f.status for f in rows] == [f.status for f in session.findings]


@pytest.mark.parametrize("name", ["a", "a.json", "a.lungmtl.json"])
def test_findings_get_their_own_suffix(manager, tmp_path: Path, name: str) -> None:
    data, attributes, _ = points_layer_data(Findings((ball(-1),)))
    [path] = manager.commands.get(f"{NAME}.write")(str(tmp_path / name), data, attributes)
    assert Path(path).name == "a.lungmtl.json"
    assert len(read_findings(path)) == 1


def test_edits_of_an_opened_findings_layer_are_saved() -> None:
    findings = Findings((ball(-180), ball(-150), ball(-120)))
    layer = Points(*points_layer_data(findings)[:1], **points_layer_data(findings)[1])
    layer.selected_data = {1}
    layer.remove_selected()
    layer.add(np.array([[-90.0, 1.0, 2.0]]) / layer.scale)
    saved = findings_of_points(*_layer_tuple(layer))
    assert [f.center[0] for f in saved] == pytest.approx([-180, -120, -90])
    assert saved[0] == findings[0]


def test_any_points_in_space_can_be_saved_as_findings() -> None:
    layer = Points([[1, 2, 3]], size=5, scale=(2, 2, 2), translate=(10, 0, 0))
    [finding] = findings_of_points(*_layer_tuple(layer))
    assert finding.geometry == Sphere((12, 4, 6), 10)


def test_points_in_a_plane_are_refused(manager, tmp_path: Path) -> None:
    data, attributes = _layer_tuple(Points([[1, 2]]))
    with pytest.raises(ValueError, match="points in space"):
        manager.commands.get(f"{NAME}.write")(str(tmp_path / "a.json"), data, attributes)


def test_the_sample_opens(manager) -> None:
    [(data, attributes, kind)] = manager.commands.get(f"{NAME}.sample_ct")()
    assert kind == "image"
    assert data.ndim == 3
    assert data.min() < -800 < 0 < data.max()
    assert min(attributes["scale"]) > 0


def test_the_sample_radiograph_opens(manager) -> None:
    """A radiograph with dark air in mm, and its truth lies where the nodules are brighter than what is around them."""
    [(data, attributes, kind)] = manager.commands.get(f"{NAME}.sample_radiograph")()
    assert kind == "image"
    assert attributes["scale"] == (0.8, 0.8)
    truth = read_findings(sample_radiograph().parent / "radiograph_truth.lungmtl.json")
    assert len(truth) == 3
    assert {r.name for r in truth.regions} == {"right lung", "left lung"}
    for finding in truth:
        y, x = (round(c / 0.8) for c in finding.center)
        half = round(finding.diameter / 0.8 / 2)
        ring = data[y - half - 4 : y + half + 5, x - half - 4 : x + half + 5]
        assert data[y - 1 : y + 2, x - 1 : x + 2].mean() > np.median(ring)


@pytest.mark.parametrize("name", ["film.png", "film.JPG", "JPCLN001.IMG"])
def test_pictures_are_opened_one_by_one(tmp_path, name) -> None:
    """A single picture may be a radiograph; a folder of pictures is left to others."""
    (tmp_path / name).write_bytes(b"x")
    assert reader.get_reader(str(tmp_path / name)) is not None
    assert reader.get_reader(str(tmp_path)) is None


def test_a_radiograph_in_a_picture_opens_and_its_missing_scale_is_said(lungmtl_data: Path, said) -> None:
    path = lungmtl_data / "cxr" / "nih" / "00000370_008.png"
    [(data, attributes, kind)] = reader.get_reader(str(path))(str(path))
    assert kind == "image"
    assert data.shape == (1024, 1024)
    assert attributes["scale"] == (1.0, 1.0)
    assert "lengths are in pixels" in said[0]


def test_a_photograph_is_refused_with_the_reason(tmp_path: Path, said) -> None:
    """napari asks which reader shall open a picture; of ours it says why it does not."""
    colors = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(colors).save(path)
    with pytest.raises(NotAFrontalRadiographError, match=r"photo\.png is a picture in colour"):
        reader.get_reader(str(path))(str(path))


def test_importing_the_plugin_imports_no_torch() -> None:
    code = """
import sys, json
import napari_lungmtl.session.session
light = [m for m in ("torch", "napari", "qtpy") if m in sys.modules]
import napari_lungmtl.contributions.reader
import napari_lungmtl.contributions.writer
import napari_lungmtl.contributions.samples
import napari_lungmtl.layers.spheres.layer
print(json.dumps([light, [m for m in ("torch", "torchvision", "SimpleITK") if m in sys.modules]]))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == [[], []]
