"""Names of the networks in their papers."""

from __future__ import annotations

NETWORKS = {
    "ag3d": "3D-AG",
    "mtmr": "MTMR-Net",
    "mtcnn": "MT-CNN",
    "dhn": "DHN",
    "mosegnet": "MO-SegNet",
}


def network(model: str) -> str:
    """A network's name in its paper; the model's own where it has none."""
    return NETWORKS.get(model, model)
