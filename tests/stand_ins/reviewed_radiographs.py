"""A radiograph with known contents, and networks that find there what a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
import pytest

from napari_lungmtl.training.findings import (
    Box,
    Finding,
    Findings,
    ImageScore,
    Mask,
    Provenance,
    Region,
)
from napari_lungmtl.training.findings.models import join_models
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import HeatMap, ModelInfo, Progress

from .fresh_models import fresh_model_store

RADIOGRAPHS = ("CR", "DX")
DHN = ModelInfo(
    *("dhn", "DHN", "Says whether the radiograph shows a nodule, and where.", RADIOGRAPHS, "0.1", 0.5),
    heat_map="objectness",
)
MOSEGNET = ModelInfo(
    "mosegnet", "MO-SegNet", "Outlines lungs and nodules.", RADIOGRAPHS, "0.1", 0.5, heat_map="probability"
)
DHN_BY, MOSEGNET_BY = Provenance("dhn", "0.1"), Provenance("mosegnet", "0.1")


def radiograph(shape: tuple[int, int] = (300, 240), spacing: float | None = 0.5, **fields) -> Image:
    """Two dark lungs in soft tissue; its first pixel lies at (10, −20)."""
    rng = np.random.default_rng(0)
    pixels = np.full(shape, 3000, np.int16)
    height, width = shape
    pixels[height // 6 : -height // 6, width // 10 : width // 2 - width // 20] = 900
    pixels[height // 6 : -height // 6, width // 2 + width // 20 : -width // 10] = 900
    pixels += rng.integers(-150, 150, shape).astype(np.int16)  # two grey values would be a mask, and refused
    spacings = None if spacing is None else (spacing, spacing)
    given = {"modality": "DX", "series_uid": "1.2.9", "origin": (10.0, -20.0) if spacing else (0.0, 0.0)}
    return Image(pixels, spacing=spacings, **{**given, **fields})


def disc(image: Image, center: tuple[float, float], radius: float) -> Mask:
    """A round mask on the image's pixels; centre (row, column) and radius in pixels."""
    r = int(np.ceil(radius))
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    corner = image.to_world((center[0] - r, center[1] - r))
    return Mask.from_array(y**2 + x**2 <= radius**2, image.scale, (float(corner[0]), float(corner[1])))


def box(image: Image, rows: tuple[float, float], columns: tuple[float, float]) -> Box:
    """A box from pixel indices."""
    low, high = image.to_world((rows[0], columns[0])), image.to_world((rows[1], columns[1]))
    return Box((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))


def lungs(image: Image) -> tuple[Region, ...]:
    """Both lungs of `radiograph`."""
    height, width = image.shape
    result = []
    for name, columns in (
        ("right lung", slice(width // 10, width // 2 - width // 20)),
        ("left lung", slice(width // 2 + width // 20, width - width // 10)),
    ):
        held = np.zeros(image.shape, bool)
        held[height // 6 : height - height // 6, columns] = True
        result.append(Region(name, Mask.from_array(held, image.scale, image.origin), MOSEGNET_BY))
    return tuple(result)


def by_dhn(image: Image) -> Findings:
    """Three boxes: one that MO-SegNet marks too, one alone, one under the threshold; 83 % for the radiograph."""
    h, w = image.shape
    places = [(0.30, 0.25, 0.90), (0.60, 0.70, 0.70), (0.45, 0.30, 0.20)]
    items = tuple(
        Finding(
            box(
                image,
                (y * h - 0.05 * h, y * h + 0.05 * h),
                (x * w - 0.06 * w, x * w + 0.06 * w),
            ),
            score=s,
            provenance=DHN_BY,
            id=f"d{n}",
        )
        for n, (y, x, s) in enumerate(places, 1)
    )
    return Findings(
        items,
        models=({"name": "dhn", "version": "0.1"},),
        image_scores=(ImageScore("dhn", "0.1", 0.83, 0.5),),
    )


def by_mosegnet(image: Image) -> Findings:
    """Two masks: one where DHN has a box, one alone; both lungs."""
    h, w = image.shape
    items = (
        Finding(
            disc(image, (round(0.30 * h), round(0.26 * w)), 0.045 * h),
            score=0.8,
            provenance=MOSEGNET_BY,
            id="m1",
        ),
        Finding(
            disc(image, (round(0.75 * h), round(0.30 * w)), 0.03 * h),
            score=0.6,
            provenance=MOSEGNET_BY,
            id="m2",
        ),
    )
    return Findings(items, models=({"name": "mosegnet", "version": "0.1"},), regions=lungs(image))


@dataclass
class RadiographPredictor:
    """Follows the Predictor protocol for radiographs: a few steps, then what `finds` says.

    While `go_on` is not set it stays before its first step.
    """

    info: ModelInfo
    finds: object
    delay: float = 0.01
    steps: int = 4
    error: Exception | None = None
    asked: list[Image] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings."""
        self.asked.append(image)
        while not self.go_on.wait(0.02):
            yield Progress(0.0, "detecting")
        for step in range(self.steps):
            time.sleep(self.delay)
            if self.error is not None:
                raise self.error
            yield Progress((step + 1) / self.steps, "detecting")
        return self.finds(image)  # type: ignore[operator]

    def heat_map(self, image: Image) -> HeatMap:
        """A hill at (0.3, 0.25) of the radiograph, on a square of 64 pixels that is padded beside it as networks see it."""
        if self.error is not None:
            raise self.error
        h, w = image.shape
        pixel = max(h, w) / 64
        y, x = np.mgrid[:64, :64]
        offset = ((64 * pixel - h) / 2, (64 * pixel - w) / 2)
        at = ((0.30 * h + offset[0]) / pixel - 0.5, (0.25 * w + offset[1]) / pixel - 0.5)
        values = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 20).astype(np.float32)
        origin = image.to_world((0.5 * pixel - offset[0] - 0.5, 0.5 * pixel - offset[1] - 0.5))
        spacing = tuple(pixel * s for s in image.scale)
        return HeatMap(values, spacing, (float(origin[0]), float(origin[1])), f"{self.info.title} evidence")


def by_both(image: Image) -> Findings:
    """What both networks find."""
    first, second = by_dhn(image), by_mosegnet(image)
    return Findings(
        tuple(sorted((*first, *second), key=lambda f: -f.score)),
        models=join_models(first.models, second.models),
        image_scores=first.image_scores,
        regions=second.regions,
    )


def radiograph_networks(
    monkeypatch: pytest.MonkeyPatch,
    dhn: RadiographPredictor | None = None,
    mosegnet: RadiographPredictor | None = None,
) -> dict[str, RadiographPredictor]:
    """The only models at hand, by name: DHN and MO-SegNet that find what `by_both` says, or others."""
    at_hand = {
        "dhn": dhn or RadiographPredictor(DHN, by_dhn),
        "mosegnet": mosegnet or RadiographPredictor(MOSEGNET, by_mosegnet),
    }
    fresh_model_store(monkeypatch)
    monkeypatch.setattr(registry, "models", lambda: (DHN, MOSEGNET))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": at_hand[name])
    return at_hand
