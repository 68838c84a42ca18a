"""What a MONAI bundle's configuration says of its detector, as checked plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...weights import WeightsError
from ..oriented import are_axes
from ..plain_values import Checks
from .plain import Call, PlainConfig

RESNETS = ("resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200")
SIZES, SWITCHES = ("conv1_t_size", "conv1_t_stride"), ("no_max_pool", "feed_forward", "bias_downsample")
RESNET_OPTIONS = {*SIZES, *SWITCHES, "shortcut_type", "widen_factor", "num_classes"}
"""Plain options of MONAI's ResNets that a bundle may set."""
EXTRACTOR = (
    "backbone",
    "spatial_dims",
    "pretrained_backbone",
    "returned_layers",
    "trainable_backbone_layers",
)
PASSIVE = {"LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "DeleteItemsd", "ToTensord", "CastToTyped"}
"""Steps before the network that read a file or change types: this reader has done the same."""
MOST_SIDE, MOST_ANCHORS = 4096, 64


@dataclass(frozen=True)
class RetinaNetSettings:
    """A RetinaNet on CT and its way from voxels to boxes.

    Parameters
    ----------
    resnet, resnet_options, returned_layers
        The backbone's name (`RESNETS`), its plain options, and the layers whose maps feed the pyramid.
    size_divisible
        (3,) sides of what the network sees are multiples of it.
    anchors, anchor_scales
        Sides in voxels (K, 3) of the anchors at each place of the finest map, and the factor for each map.
    codes, spacing_mm
        Axes as of `oriented.OrientedVolume`, and voxel sizes along them.
    window_hu, window_to
        Hounsfield units (low, high), and the values that they become, clipped.
    patch, overlap
        (3,) voxels of a sliding window, and the fraction that neighbours share.
    score, top, nms, most
        A box's least score, candidates of each map, overlap from which the lower one of two falls, and boxes of a scan.
    """

    resnet: str
    resnet_options: Mapping[str, Any]
    returned_layers: tuple[int, ...]
    size_divisible: tuple[int, ...]
    anchors: tuple[tuple[float, ...], ...]
    anchor_scales: tuple[float, ...]
    codes: str
    spacing_mm: tuple[float, ...]
    window_hu: tuple[float, float]
    window_to: tuple[float, float]
    patch: tuple[int, ...]
    overlap: float
    score: float
    top: int
    nms: float
    most: int


def read_settings(config: PlainConfig) -> RetinaNetSettings:
    """Read a detector's settings.

    Raises
    ------
    WeightsError
        It is no RetinaNet of one class on CT, or a value is missing or makes no sense; the message says which.
    """
    check = Checks(config.where)
    network, of_network = config.target("network_def")
    detector, _ = config.target("detector")
    if (network, detector) != ("RetinaNet", "RetinaNetDetector"):
        raise WeightsError(
            f"{config.where} is of a {network} with a {detector}: RetinaNet with RetinaNetDetector can run here."
        )
    if of_network.get("spatial_dims") != 3 or of_network.get("num_classes") != 1:
        raise WeightsError(
            f"{config.where} is of a network of other than three dimensions or one class: it cannot run here."
        )
    generator, anchors = config.target("anchor_generator")
    if generator != "AnchorGeneratorWithAnchorShape":
        raise WeightsError(
            f"{config.where} has anchors of {generator}: AnchorGeneratorWithAnchorShape can run here."
        )
    shapes = anchors.get("base_anchor_shapes")
    if (
        not isinstance(shapes, list)
        or not 0 < len(shapes) <= MOST_ANCHORS
        or len(shapes) != of_network.get("num_anchors")
    ):
        raise WeightsError(f"{config.where}: base_anchor_shapes are not as many as num_anchors.")
    backbone = config.call(config.raw("backbone"))
    layers = _layers(config)
    scales = check.numbers("feature_map_scales", anchors.get("feature_map_scales"), None, 0.01, 64)
    if len(scales) != len(layers) + 1:
        raise WeightsError(f"{config.where}: feature_map_scales are not one more than the returned layers.")
    selector, inferer = _operations(config)
    codes, spacing, hu, to = _steps(config, check)
    return RetinaNetSettings(
        resnet=_resnet(config, backbone),
        resnet_options={k: _option(check, k, v) for k, v in backbone.kwargs.items() if k in RESNET_OPTIONS},
        returned_layers=layers,
        size_divisible=check.whole("size_divisible", of_network.get("size_divisible"), 3, MOST_SIDE),
        anchors=tuple(check.numbers("base_anchor_shapes", shape, 3, 0.1, MOST_SIDE) for shape in shapes),
        anchor_scales=scales,
        codes=codes,
        spacing_mm=spacing,
        window_hu=hu,
        window_to=to,
        patch=check.whole("roi_size", inferer.get("roi_size"), 3, MOST_SIDE),
        overlap=check.number("overlap", inferer.get("overlap", 0.5), 0, 0.95),
        score=check.number("score_thresh", selector.get("score_thresh", 0.05), 0, 1),
        top=check.whole(
            "topk_candidates_per_level", [selector.get("topk_candidates_per_level", 1000)], 1, 100_000
        )[0],
        nms=check.number("nms_thresh", selector.get("nms_thresh", 0.5), 0, 1),
        most=check.whole("detections_per_img", [selector.get("detections_per_img", 300)], 1, 10_000)[0],
    )


def _resnet(config: PlainConfig, backbone: Call) -> str:
    if backbone.name not in RESNETS or backbone.args:
        raise WeightsError(
            f"{config.where} has the backbone {backbone.name}: one of {', '.join(RESNETS)} can run here."
        )
    other = (
        set(backbone.kwargs) - RESNET_OPTIONS - {"spatial_dims", "n_input_channels", "pretrained", "progress"}
    )
    if other:
        raise WeightsError(
            f"{config.where}: the backbone has options that are not known here: {', '.join(sorted(other))}."
        )
    if backbone.kwargs.get("spatial_dims", 3) != 3 or backbone.kwargs.get("n_input_channels", 3) != 1:
        raise WeightsError(f"{config.where}: the backbone takes other than one channel in three dimensions.")
    return backbone.name


def _option(check: Checks, name: str, value: object) -> object:
    """An option of a ResNet, in bounds: a network may not take all memory when it is built."""
    if name in SIZES:
        return list(check.whole(name, value if isinstance(value, list | tuple) else [value] * 3, 3, 31))
    if name == "widen_factor":
        return check.number(name, value, 0.05, 4)
    if name == "num_classes":
        return check.whole(name, [value], 1, 10_000)[0]
    if (name in SWITCHES and isinstance(value, bool)) or (name == "shortcut_type" and value in ("A", "B")):
        return value
    raise WeightsError(f"{check.where}: the backbone's {name} is {str(value)[:60]}, which is not known here.")


def _layers(config: PlainConfig) -> tuple[int, ...]:
    extractor = config.call(config.raw("feature_extractor"))
    given = {**dict(zip(EXTRACTOR, extractor.args, strict=False)), **extractor.kwargs}
    layers = given.get("returned_layers", (1, 2, 3))
    known = extractor.name == "resnet_fpn_feature_extractor" and isinstance(layers, list | tuple)
    if not known or not layers or not all(layer in (1, 2, 3, 4) for layer in layers):
        raise WeightsError(
            f"{config.where}: the features come from {extractor.name} with layers {layers}, which cannot run here."
        )
    return tuple(layers)


def _operations(config: PlainConfig) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Arguments of the calls that set up the selection of boxes, and the sliding window."""
    found: dict[str, Mapping[str, Any]] = {}
    calls = config.get("detector_ops")
    for text in calls if isinstance(calls, list) else ():
        call = config.call(text)
        found[call.name] = call.kwargs
    selector, inferer = found.get("set_box_selector_parameters", {}), found.get("set_sliding_window_inferer")
    if inferer is None:
        raise WeightsError(
            f"{config.where} does not say which window slides over a scan (set_sliding_window_inferer)."
        )
    if inferer.get("mode", "constant") != "constant" or not selector.get("apply_sigmoid", True):
        raise WeightsError(
            f"{config.where}: its windows are blended, or its scores made, in a way that is not known here."
        )
    return selector, inferer


def _steps(
    config: PlainConfig, check: Checks
) -> tuple[str, tuple[float, ...], tuple[float, float], tuple[float, float]]:
    """Axes, voxel size, and grey values of what the network sees."""
    entry = config.get("preprocessing")
    steps = entry.get("transforms") if isinstance(entry, dict) else None
    found: dict[str, Mapping[str, Any]] = {}
    for step in steps if isinstance(steps, list) else ():
        name = str(step.get("_target_") if isinstance(step, dict) else step).rpartition(".")[2]
        if name not in PASSIVE | {"Orientationd", "Spacingd", "ScaleIntensityRanged"}:
            raise WeightsError(f"{config.where} prepares scans by {name[:60]}, which is not known here.")
        found[name] = step
    if missing := [n for n in ("Orientationd", "Spacingd", "ScaleIntensityRanged") if n not in found]:
        raise WeightsError(f"{config.where} does not say how scans are prepared ({', '.join(missing)}).")
    codes = found["Orientationd"].get("axcodes")
    if not are_axes(codes):
        raise WeightsError(f"{config.where}: the axes {codes!r} are none.")
    scale = found["ScaleIntensityRanged"]
    low, high, to_low, to_high = (
        check.number(name, scale.get(name), -1e5, 1e5) for name in ("a_min", "a_max", "b_min", "b_max")
    )
    if low >= high or scale.get("clip") is not True:
        raise WeightsError(f"{config.where}: the range of grey values is empty, or not clipped.")
    # Its `_disabled_` only says that the bundle's own data have these voxels already.
    spacing = check.numbers("pixdim", found["Spacingd"].get("pixdim"), 3, 0.1, 20)
    return str(codes), spacing, (low, high), (to_low, to_high)
