"""A MONAI bundle in the layout of lung_nodule_ct_detection, with a small backbone and weights made here."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import torch

SPACING, AXES, PATCH = [0.9, 0.9, 1.5], "RAS", [32, 32, 16]


def inference(**changes: Any) -> dict[str, Any]:
    """``configs/inference.json``: the entries that the published one has, of which only plain values may be read."""
    stem = "spatial_dims=3,n_input_channels=1,conv1_t_stride=[2,2,1],conv1_t_size=[7,7,7]"
    extractor = "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor"
    raw = "@whether_raw_luna16"
    steps = [
        {"_target_": "LoadImaged", "keys": "image", "_disabled_": raw},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": AXES},
        {
            "_target_": "Spacingd",
            "keys": "image",
            "pixdim": SPACING,
            "_disabled_": "@whether_resampled_luna16",
        },
        {
            "_target_": "ScaleIntensityRanged",
            "keys": "image",
            "a_min": -1024.0,
            "a_max": 300.0,
            "b_min": 0.0,
            "b_max": 1.0,
            "clip": True,
        },
        {"_target_": "EnsureTyped", "keys": "image"},
    ]
    values = {
        "whether_raw_luna16": False,
        "whether_resampled_luna16": "$(not @whether_raw_luna16)",
        "imports": ["$import glob", "$import os"],
        "bundle_root": ".",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "amp": True,
        "spatial_dims": 3,
        "num_classes": 1,
        "force_sliding_window": False,
        "size_divisible": [16, 16, 8],
        "infer_patch_size": PATCH,
        "anchor_generator": {
            "_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
            "feature_map_scales": [1, 2, 4],
            "base_anchor_shapes": [[6, 8, 4], [8, 6, 5], [10, 10, 6]],
        },
        "backbone": f"$monai.networks.nets.resnet.resnet10({stem},widen_factor=0.125)",
        "feature_extractor": f"${extractor}(@backbone,3,False,[1,2],None)",
        "network_def": {
            "_target_": "RetinaNet",
            "spatial_dims": "@spatial_dims",
            "num_classes": "@num_classes",
            "num_anchors": 3,
            "feature_extractor": "@feature_extractor",
            "size_divisible": "@size_divisible",
            "use_list_output": False,
        },
        "network": "$@network_def.to(@device)",
        "detector": {
            "_target_": "RetinaNetDetector",
            "network": "@network",
            "anchor_generator": "@anchor_generator",
            "debug": False,
            "spatial_dims": "@spatial_dims",
            "num_classes": "@num_classes",
            "size_divisible": "@size_divisible",
        },
        "detector_ops": [
            "$@detector.set_target_keys(box_key='box', label_key='label')",
            "$@detector.set_box_selector_parameters(score_thresh=0.02,topk_candidates_per_level=1000,nms_thresh=0.22,detections_per_img=300)",
            "$@detector.set_sliding_window_inferer(roi_size=@infer_patch_size,overlap=0.25,sw_batch_size=1,mode='constant',device='cpu')",
        ],
        "preprocessing": {"_target_": "Compose", "transforms": steps},
        "initialize": ["$setattr(torch.backends.cudnn, 'benchmark', True)"],
        "run": ["$@evaluator.run()"],
    }
    return {**values, **changes}


METADATA = {
    "version": "0.6.8",
    "monai_version": "1.4.0",
    "name": "Lung nodule CT detection",
    "task": "CT lung nodule detection",
    "description": "A stand-in for volumetric detection of lung nodules",
    "intended_use": "This is an example, not to be used for diagnostic purposes",
    "eval_metrics": {"AP_IoU_0.10_MaxDet_100": 0.858},
}


def write_bundle(
    folder: Path,
    state: object | None = None,
    config: dict[str, Any] | None = None,
    name: str = "models/model.pt",
) -> Path:
    """Write a bundle's files as the published one has them; weights that mark bright balls by default."""
    for path, values in (
        ("configs/metadata.json", METADATA),
        ("configs/inference.json", config or inference()),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(values))
    (folder / name).parent.mkdir(exist_ok=True)
    torch.save(marks_bright_balls() if state is None else state, folder / name)
    return folder


def zipped(folder: Path) -> Path:
    """Pack a bundle as downloads come: all in one folder of its name."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(folder.name) / file.relative_to(folder))
    return path


def network():
    """The network that `inference` describes, by MONAI, with random weights of a fixed seed."""
    from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
    from monai.networks.nets.resnet import resnet10

    torch.manual_seed(0)
    backbone = resnet10(
        spatial_dims=3,
        n_input_channels=1,
        conv1_t_stride=[2, 2, 1],
        conv1_t_size=[7, 7, 7],
        widen_factor=0.125,
    )
    extractor = resnet_fpn_feature_extractor(backbone, 3, False, [1, 2], None)
    return RetinaNet(3, 1, 3, extractor, [16, 16, 8], use_list_output=False).eval()


@torch.no_grad()
def marks_bright_balls() -> dict[str, torch.Tensor]:
    """Weights in half precision that pass the brightness of a place on to its score; boxes differ a little by small random ones."""
    state = {k: torch.zeros_like(t) for k, t in network().state_dict().items()}
    torch.manual_seed(0)
    for key, tensor in state.items():
        if key.endswith("running_var") or (
            tensor.ndim == 1 and key.endswith("weight")
        ):  # norms change nothing
            tensor.fill_(1.0)
        elif (
            tensor.ndim == 5 and ".layer1." not in key and ".layer2.0.conv" not in key
        ):  # blocks pass on what they get
            middle = tuple(n // 2 for n in tensor.shape[2:])
            tensor[(0, 0, *middle)] = 1.0
            if "bbox_reg" in key:
                tensor[(slice(None), 0, *middle)] = 0.0004 * torch.randn(len(tensor))
            elif "cls_logits" in key:
                tensor[(slice(None), 0, *middle)] = torch.tensor([0.3, 0.35, 0.25])
    state[
        "feature_extractor.fpn.inner_blocks.1.weight"
    ].zero_()  # coarse maps would shift the fine one that they are added to
    state["classification_head.cls_logits.bias"].fill_(-7.0)
    return {k: t.half() if t.is_floating_point() else t for k, t in state.items()}
