"""Findings as a Points layer by themselves: what the reader gives, the writer takes, and the binding starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...training.findings import Findings
from . import rows

FINDINGS = "lungmtl_findings"
"""Key of a Points layer's metadata: the `Findings` that it shows (with those that the thresholds hide)."""
RENDERED = "lungmtl_drawn"
"""Key of a Points layer's metadata: ids of the findings that were given a row."""
SHOWN = "lungmtl_shown"
"""Key of a layer's metadata: ids of those of its `FINDINGS` that pass the thresholds."""
NAME = "nodules"

CANVAS_LIMITS = (0.0, 10_000.0)
"""Least and largest diameter (pixels of the canvas) of points. With napari's least of 2, a slice that no sphere reaches has a
black dot at world (0, 0): where nothing is to be drawn, napari draws a point of size 0 there."""
_TEXT = {"string": "{label}", "size": 9, "color": "#f4f4f4", "anchor": "upper_left"}


def points_layer_data(
    findings: Findings, *, name: str = NAME, units: str = "mm"
) -> tuple[np.ndarray, dict[str, Any], str]:
    """All spheres of `findings` as the layer tuple of a napari reader, in world mm."""
    spheres = rows.spheres(findings.items)
    colors = rows.colors(spheres)
    attributes: dict[str, Any] = {
        "name": name,
        "scale": (rows.SCALE,) * 3,
        "units": (units,) * 3,
        "size": rows.size(spheres) if spheres else rows.NEW_DIAMETER / rows.SCALE,
        "features": rows.features(spheres),
        "feature_defaults": rows.NEW_ROW,
        "face_color": rows.faces(colors, spheres) if spheres else "transparent",
        "border_color": colors if spheres else "white",
        "border_width": rows.BORDER,
        "canvas_size_limits": CANVAS_LIMITS,
        "projection_mode": "rescale_spherical",
        "text": {**_TEXT, "translation": rows.label_offset(spheres)},
        "metadata": {FINDINGS: findings, RENDERED: tuple(f.id for f in spheres)},
    }
    return rows.data(spheres), attributes, "points"


def findings_of_points(data: np.ndarray, attributes: dict[str, Any]) -> Findings:
    """The findings of a Points layer, from its layer tuple, with what a person changed in it.

    Parameters
    ----------
    data
        (n, 3) points.
    attributes
        The layer's attributes; points of any 3-D layer become spheres, those of this plugin stay the findings they
        are.
    """
    metadata = attributes.get("metadata") or {}
    findings = metadata.get(FINDINGS)
    if not isinstance(findings, Findings):
        findings = Findings()
    rendered_ids = set(metadata.get(RENDERED, ()))
    rendered = [f for f in rows.spheres(findings.items) if f.id in rendered_ids]
    scale = np.asarray(attributes.get("scale", (1.0, 1.0, 1.0)), float)
    centers = np.asarray(data, float) * scale + np.asarray(attributes.get("translate", (0.0, 0.0, 0.0)))
    diameters = np.broadcast_to(np.asarray(attributes.get("size", 1.0), float) * scale[-1], len(centers))
    features = attributes.get("features")
    ids = list(features["id"]) if features is not None and "id" in features else [""] * len(centers)
    edit = rows.edit_of(rendered, ids, centers, diameters)
    changed = {f.id: f for f in edit.change}
    kept = [changed.get(f.id, f) for f in findings if f.id not in edit.remove]
    return findings.with_items((*kept, *edit.add))
