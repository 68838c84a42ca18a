"""ONNX files of detectors that mark the brightest place of what they see, with their cards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

VOLUME = {
    "input": "image",
    "spheres": "spheres",
    "scores": "scores",
    "axes": "RAS",
    "spacing_mm": [0.9, 0.9, 1.5],
    "window_hu": [-1024, 300],
    "window_to": [0, 1],
    "window": [16, 16, 8],
    "overlap": 0.5,
    "multiple_of": [8, 8, 4],
}
RADIOGRAPH = {
    "input": "image",
    "boxes": "boxes",
    "scores": "scores",
    "side": 256,
    "channels": 3,
    "to": [0, 1],
}
HALF = 10.0
"""Half the side of a box in pixels, and the diameter of a sphere in mm."""


def write_onnx(path: Path, config: dict[str, Any], **card: Any) -> Path:
    """Write a file and its card: of volumes where the config has spheres, else of radiographs."""
    flat = "boxes" in config
    data = _model(config["input"], "boxes" if flat else "spheres").SerializeToString()
    path.write_bytes(data)
    values = {
        "name": "brightest",
        "version": "1.0",
        "title": "Brightest place",
        "purpose": "Marks the brightest place.",
        "modalities": ["CR", "DX"] if flat else ["CT"],
        "config": config,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    path.with_suffix(".json").write_text(json.dumps({**values, **card}))
    return path


def _model(input: str, output: str) -> Any:
    constants = {
        "all": np.array([-1]),
        "n": np.array([1]),
        "row": np.array([1, -1]),
        **{f"axis {k}": np.array([k]) for k in (2, 3, 4)},
        "half": np.array([HALF], np.float32),
    }
    nodes = [
        ("Reshape", [input, "all"], ["flat"], {}),
        ("ReduceMax", ["flat", "start"], ["scores"], {"keepdims": 1}),
        ("ArgMax", ["flat"], ["place"], {"axis": 0, "keepdims": 1}),
        ("Shape", [input], ["shape"], {}),
    ]
    constants["start"] = np.array([0])
    if output == "spheres":
        nodes += [
            ("Gather", ["shape", "axis 3"], ["b"], {}),
            ("Gather", ["shape", "axis 4"], ["c"], {}),
            ("Mul", ["b", "c"], ["bc"], {}),
            ("Div", ["place", "bc"], ["i"], {}),
            ("Div", ["place", "c"], ["rows"], {}),
            ("Mod", ["rows", "b"], ["j"], {}),
            ("Mod", ["place", "c"], ["k"], {}),
            ("Concat", ["i", "j", "k"], ["index"], {"axis": 0}),
            ("Cast", ["index"], ["center"], {"to": TensorProto.FLOAT}),
            ("Concat", ["center", "half"], ["line"], {"axis": 0}),
        ]
    else:  # of the first channel, whose pixels come first
        nodes += [
            ("Gather", ["shape", "axis 3"], ["c"], {}),
            ("Div", ["place", "c"], ["y"], {}),
            ("Mod", ["place", "c"], ["x"], {}),
            ("Concat", ["x", "y"], ["index"], {"axis": 0}),
            ("Cast", ["index"], ["center"], {"to": TensorProto.FLOAT}),
            ("Sub", ["center", "half"], ["low"], {}),
            ("Add", ["center", "half"], ["high"], {}),
            ("Concat", ["low", "high"], ["line"], {"axis": 0}),
        ]
    nodes.append(("Reshape", ["line", "row"], [output], {}))
    shape = [1, 1, "a", "b", "c"] if output == "spheres" else [1, 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node(kind, of, to, **given) for kind, of, to, given in nodes],
        "brightest",
        [helper.make_tensor_value_info(input, TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n"]),
        ],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model)
    return model
