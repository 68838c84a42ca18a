"""A MONAI bundle beside ours: where MONAI's own pipeline finds a ball, in world coordinates; and nothing in it is run."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import choose
from napari_lungmtl.training.inference.others.oriented import oriented
from napari_lungmtl.training.inference.predictor import SCORE_FLOOR, finish
from napari_lungmtl.training.inference.weights import WeightsError

from ....stand_ins.monai_bundle import (
    METADATA,
    SPACING,
    inference,
    marks_bright_balls,
    network,
    write_bundle,
    zipped,
)

BALL = np.array([-292.0, -52.0, 41.5])
"""World mm (z, y, x): far from the middle along every axis."""
NAME = "monai-lung-nodule-ct-detection"


@pytest.fixture
def scan(tmp_path) -> Path:
    """A CT of unequal voxels whose file runs to the head, the front and the patient's right, with a blurred ball in air."""
    path = tmp_path / "Aufnahme ä.nii.gz"
    spacing, shape, first = np.array([2.5, 0.8, 0.7]), (14, 35, 40), np.array([-300.0, -60.0, 20.0])
    steps = [np.arange(n) * s + o - m for n, s, o, m in zip(shape, spacing, first, BALL, strict=True)]
    squared = sum(np.square(one) for one in np.meshgrid(*steps, indexing="ij", sparse=True))
    hu = (-1024 + 1200 * np.exp(-squared / 2 / 3**2)).astype(np.int16)
    image = sitk.GetImageFromArray(hu[:, ::-1, ::-1])
    image.SetSpacing([float(s) for s in spacing[::-1]])
    image.SetOrigin([first[2] + 39 * 0.7, first[1] + 34 * 0.8, first[0]])
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    sitk.WriteImage(image, str(path))
    return path


def monais_detector():
    """MONAI's detector as the bundle sets it up."""
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape

    config = inference()
    net = network()
    net.load_state_dict({k: t.float() for k, t in marks_bright_balls().items()})
    anchors = AnchorGeneratorWithAnchorShape((1, 2, 4), config["anchor_generator"]["base_anchor_shapes"])
    detector = RetinaNetDetector(net, anchors).eval()
    detector.set_target_keys("box", "label")
    detector.set_box_selector_parameters(0.02, 1000, 0.22, 300)
    detector.set_sliding_window_inferer(
        config["infer_patch_size"], overlap=0.25, mode="constant", device="cpu"
    )
    return detector


def by_monai(scan: Path) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 3; z, y, x in LPS mm) and scores as MONAI's own transforms, detector and box conversions have them."""
    from monai.apps.detection.transforms.dictionary import (
        AffineBoxToWorldCoordinated,
        ClipBoxToImaged,
        ConvertBoxModed,
    )
    from monai.transforms import (
        Compose,
        EnsureChannelFirstd,
        LoadImaged,
        Orientationd,
        ScaleIntensityRanged,
        Spacingd,
    )

    before = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            Orientationd("image", axcodes="RAS"),
            Spacingd("image", pixdim=SPACING),
            ScaleIntensityRanged("image", a_min=-1024, a_max=300, b_min=0, b_max=1, clip=True),
        ]
    )
    after = Compose(
        [
            ClipBoxToImaged("box", label_keys="label", box_ref_image_keys="image"),
            AffineBoxToWorldCoordinated("box", box_ref_image_keys="image", affine_lps_to_ras=True),
            ConvertBoxModed("box", src_mode="xyzxyz", dst_mode="cccwhd"),
        ]
    )
    data = before({"image": str(scan)})
    with torch.no_grad():
        (found,) = monais_detector()([data["image"]], use_inferer=True)
    boxes = after({**found, "image": data["image"]})["box"].numpy()
    return boxes[:, 2::-1], found["label_scores"].numpy()


def on_our_voxels(image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres, diameters and scores of MONAI's detector on the voxels as they are resampled here."""
    volume = oriented(image, "RAS", SPACING)
    x = np.clip((volume.voxels.astype(np.float32) + 1024) / 1324, 0, 1)
    with torch.no_grad():
        (found,) = monais_detector()([torch.from_numpy(np.ascontiguousarray(x))[None]], use_inferer=True)
    low, high = found["box"].numpy()[:, :3], found["box"].numpy()[:, 3:]
    return volume.to_world((low + high) / 2), ((high - low) * SPACING).mean(1), found["label_scores"].numpy()


def test_a_ball_is_found_where_it_lies_and_where_monai_finds_it(scan, tmp_path):
    path = zipped(write_bundle(tmp_path / "lung_nodule_ct_detection"))
    image = read_image(scan)
    with registry.using_weights([path]):
        chain = choose(image, [NAME], "cpu")
        findings = finish(chain.run(image))
    place = np.average([f.center for f in findings], axis=0, weights=[f.score for f in findings])
    assert np.abs(place - BALL).max() < 3, (
        "cells of the map are 3.6 mm wide; in a mirror the ball is 11 mm and more away"
    )
    assert 4 < findings[0].diameter < 12
    centers, scores = by_monai(scan)
    shown = np.argsort(-scores)[: (scores > SCORE_FLOOR).sum()]
    assert len(findings) == len(shown) > 3
    theirs = np.average(centers[shown], axis=0, weights=scores[shown])
    assert np.abs(place - theirs).max() < 0.8, "their resampling begins half a voxel beside ours"
    centers, diameters, scores = on_our_voxels(image)
    shown = np.argsort(-scores, kind="stable")[: len(findings)]
    np.testing.assert_allclose([f.score for f in findings], scores[shown], atol=1e-4)
    ours = sorted((*f.center, f.diameter) for f in findings)
    theirs = sorted(zip(*centers[shown].T, diameters[shown], strict=True))
    np.testing.assert_allclose(ours, theirs, atol=1e-2, err_msg="windows are put together as MONAI does")
    (model,) = findings.models
    with zipfile.ZipFile(path) as archive:
        weights = archive.read("lung_nodule_ct_detection/models/model.pt")
    assert model["sha256"] == hashlib.sha256(weights).hexdigest()
    assert model["version"].startswith("0.6.8+")
    assert model["file"] == path.name
    assert {f.provenance.label for f in findings} == {f"{NAME} {model['version']}"}


def refusal(path: Path) -> str:
    """The sentence that a bundle is refused with, by its card or when the network is built."""
    with pytest.raises(WeightsError) as refused, registry.using_weights([path]):
        registry.load_predictor(NAME, "cpu", path)
    return str(refused.value)


@pytest.fixture
def ran(tmp_path) -> Path:
    """A file that is there once something in a bundle was run."""
    return tmp_path / "ran"


class Opened:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_in_a_bundle_is_run(tmp_path, ran):
    import os

    ran_text = f"__import__('pathlib').Path('{ran}').touch()"
    evil = write_bundle(tmp_path / "pickled", {"feature_extractor.body.conv1.weight": Opened(ran)})
    assert "holds more than tensors" in refusal(evil)
    for n, changes in enumerate(
        (
            {
                "backbone": f"$monai.networks.nets.resnet.resnet10(spatial_dims=3,n_input_channels=1,num_classes={ran_text})"
            },
            {"feature_extractor": f"$(lambda *a: a)({ran_text})"},
            {"detector_ops": [f"$@detector.set_sliding_window_inferer(roi_size={ran_text})"]},
            {"infer_patch_size": f"${ran_text}"},
            {"network_def": {"_target_": "os.system", "command": f"touch {ran}"}},
            {"preprocessing": {"transforms": [{"_target_": "pathlib.Path.touch", "self": str(ran)}]}},
        )
    ):
        assert "inference.json" in refusal(
            write_bundle(tmp_path / f"changed {n}", {"a": torch.ones(1)}, inference(**changes))
        )
    harmless = write_bundle(
        tmp_path / "harmless", config=inference(initialize=[f"${ran_text}"], imports=[f"${ran_text}"])
    )
    (harmless / "scripts").mkdir()
    (harmless / "scripts" / "__init__.py").write_text(ran_text)
    before = os.getcwd()
    registry.load_predictor(NAME, "cpu", harmless)
    assert os.getcwd() == before
    assert not ran.exists()


def test_torchscript_and_damage_are_refused_with_a_sentence(tmp_path):
    script = torch.jit.script(torch.nn.Linear(1, 1))
    named_pt = write_bundle(tmp_path / "script", {})
    torch.jit.save(script, named_pt / "models" / "model.pt")
    assert "is TorchScript, which is code and never run here" in refusal(named_pt)
    (named_pt / "models" / "model.pt").rename(named_pt / "models" / "model.ts")
    assert "has only models/model.ts: TorchScript is code" in refusal(named_pt)
    state = marks_bright_balls()
    holes = {**state, "classification_head.cls_logits.bias": torch.full((3,), torch.nan)}
    assert "no numbers" in refusal(write_bundle(tmp_path / "nan", holes))
    state.popitem()
    assert "do not fit the network" in refusal(write_bundle(tmp_path / "less", state))
    (tmp_path / "empty").mkdir()
    assert "is no MONAI bundle: it has no configs/metadata.json" in refusal(tmp_path / "empty")
    text = tmp_path / "text.zip"
    text.write_text("no zip")
    assert "damaged" in refusal(text)
    # A hundred references to a list of a hundred references, and so on: more values than any memory holds.
    laughs = {f"l{n}": [f"@l{n - 1}"] * 100 for n in range(1, 9)} | {"l0": [1] * 100}
    laughing = {**inference()["anchor_generator"], "feature_map_scales": "@l8"}
    endless = {**inference()["anchor_generator"], "feature_map_scales": [10**400, 2, 4]}
    wide = "$monai.networks.nets.resnet.resnet10(spatial_dims=3,n_input_channels=1,widen_factor=1e9)"
    for n, (changes, words) in enumerate(
        (
            ({"backbone": wide}, "widen_factor is 1000000000.0, which is no number from 0.05 to 4"),
            ({"detector_ops": 3}, "does not say which window slides over a scan"),
            ({"preprocessing": {"transforms": 7}}, "does not say how scans are prepared"),
            ({"size_divisible": "@size_divisible"}, "refers to itself"),
            ({**laughs, "anchor_generator": laughing}, "to far too much"),
            ({"anchor_generator": endless}, "which is no number from 0.01 to 64"),
        )
    ):
        assert words in refusal(write_bundle(tmp_path / f"odd {n}", {}, inference(**changes)))
    small = [32, 32]
    assert "roi_size is [32, 32], which is no list of 3 numbers" in refusal(
        write_bundle(tmp_path / "flat", {}, inference(infer_patch_size=small))
    )
    metadata = write_bundle(tmp_path / "list", {}) / "configs" / "metadata.json"
    metadata.write_text(json.dumps([METADATA]))
    assert "is no table" in refusal(tmp_path / "list")


def test_a_bundle_takes_the_place_of_our_detectors_and_is_noticed_when_it_changes(tmp_path):
    path = write_bundle(tmp_path / "bundle", {"a": torch.ones(1)})
    ours = [info.name for info in registry.models()]
    with registry.using_weights([path]):
        info = registry.models()[-1]
        assert (info.name, info.weights) == (NAME, path.resolve())
        running = registry.running(i for i in registry.models() if "CT" in i.modalities)
        assert [i.name for i in running if i.task in registry.FINDERS] == [NAME]
        assert [i.name for i in registry.shipped([info])] == ["ag3d"]
        first = registry.card_of(info)
        torch.save({"a": torch.zeros(2)}, path / "models" / "model.pt")
        assert registry.card_of(info).sha256 != first.sha256
        config = path / "configs" / "inference.json"
        config.write_text(config.read_text().replace("0.22", "0.3"))
        assert registry.card_of(info).version != first.version
    assert [info.name for info in registry.models()] == ours
