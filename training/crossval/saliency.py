"""What the malignancy of a nodule hangs on: gradients of all networks that judge it, in one map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..findings import Finding
from ..imaging.image import Image
from ..inference import model_store, registry
from ..inference.predictor import PredictorError
from ..inference.suitability import sort_out


def saliency(image: Image, finding: Finding, device: str = "auto") -> Image:
    """Average the maps (`CharacterisingFolds.saliency`) of the networks at hand that judge spheres in a CT.

    Returns
    -------
    Image
        float32, 0–1, 50 mm at 1 mm around the sphere.

    Raises
    ------
    PredictorError, WeightsError
        The image is no CT, the finding no sphere inside it, or no network is at hand.
    """
    _, note = sort_out(image, [finding])
    if note:
        raise PredictorError(note)
    models = [model_store.store.get(name, device) for name in registry.characterisers()]
    maps = [model.saliency(image, finding) for model in models if hasattr(model, "saliency")]
    if not maps:
        raise PredictorError("no network at hand shows what its opinion hangs on: install the package again.")
    return replace(maps[0], voxels=np.mean([m.voxels for m in maps], axis=0))
