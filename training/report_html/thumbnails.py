"""Small pictures of a case at the place to look at: three planes of a CT, a radiograph and its place, with truth and marks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from ..case_list.row import AT
from ..imaging.close_up import shown_window
from ..imaging.image import Image
from ..imaging.resample import sample_grid
from ..imaging.values import window_to_unit

FIELD_MM = 64
"""Side of what a plane of a CT shows."""
SIDE = 144
"""Pixels of a plane, and of a radiograph's longer side."""
TRUTH, MARK, FALSE_ALARM = "#3fd0c9", "#f5e663", "#ff7ab8"
"""The window's colours: a true nodule (square), a mark (circle), and one that lies on nothing (circle with a cross)."""
AXES = ((1, 2), (0, 2), (0, 1))
"""Axes (rows, columns) of the axial, coronal and sagittal plane of (z, y, x)."""


def thumbnail(row: Mapping[str, Any], image: Image) -> bytes:
    """Draw a case as JPEG, with the marks that its threshold shows and the highest false alarm.

    Parameters
    ----------
    row
        Of ``cases_detail``.
    image
        As it was evaluated.
    """
    at = [row.get(name) for name in AT][: image.ndim]
    marks = [
        m
        for m in row.get("found") or ()
        if m["score"] >= (row.get("threshold") or 0.0) or m["score"] == row.get("highest_false_alarm")
    ]
    if image.ndim == 3:
        middle = np.mean(image.extent, axis=0) if None in at else np.array(at[::-1], float)
        tiles = _planes(image, middle, _signs(row, marks))
    else:
        tiles = _film(image, None if None in at else np.array(at, float), _signs(row, marks))
    width = sum(t.width for t in tiles) + 2 * (len(tiles) - 1)
    joined = Picture.new("RGB", (width, max(t.height for t in tiles)))
    left = 0
    for tile in tiles:
        joined.paste(tile, (left, 0))
        left += tile.width + 2
    data = io.BytesIO()
    joined.save(data, "JPEG", quality=85, subsampling=0)
    return data.getvalue()


Sign = tuple[np.ndarray, str]
"""A sphere (z, y, x, diameter) or a box (x0, y0, x1, y1), and its colour."""


def _signs(row: Mapping[str, Any], marks: Iterable[Mapping[str, Any]]) -> list[Sign]:
    truth = list(row.get("truth") or ())
    known = [*truth, *(row.get("excluded") or ())]
    told = row.get("highest_false_alarm") is not None  # else nobody knows of any mark that it is false
    signs = [(np.array(t, float), TRUTH) for t in truth]
    for mark in marks:
        place = mark["box"] if "box" in mark else (*mark["center_zyx_mm"], mark["diameter_mm"])
        false = told and not any(_lies_on(mark, nodule) for nodule in known)
        signs.append((np.array(place, float), FALSE_ALARM if false else MARK))
    return signs


def _lies_on(mark: Mapping[str, Any], nodule: Sequence[float]) -> bool:
    """Whether a mark's centre lies in a nodule, as far as a picture tells: the row's figures go by the official rule."""
    if "box" in mark:
        x, y = mark["center"]
        return nodule[0] <= x <= nodule[2] and nodule[1] <= y <= nodule[3]
    reach = nodule[3] if nodule[3] > 0 else 10.0
    return bool(np.linalg.norm(np.subtract(mark["center_zyx_mm"], nodule[:3])) < reach / 2)


def _planes(image: Image, middle: np.ndarray, signs: Iterable[Sign]) -> list[Picture.Image]:
    low = middle - (FIELD_MM - 1) / 2
    cube = image if image.spacing is None else sample_grid(image, low, (FIELD_MM,) * 3)
    unit = window_to_unit(np.asarray(cube.voxels, np.float32), *shown_window(image, cube.voxels))
    gray = np.rint(255 * unit).astype(np.uint8)
    scale = SIDE / FIELD_MM
    tiles = []
    for plane, axes in enumerate(AXES):
        picture = np.take(gray, FIELD_MM // 2, axis=plane)
        if plane:
            picture = picture[::-1]  # the head is above
        tile = Picture.fromarray(picture).resize((SIDE, SIDE), Picture.Resampling.BICUBIC).convert("RGB")
        draw = ImageDraw.Draw(tile)
        for sphere, color in signs:
            off = sphere[:3] - middle
            radius = (max(sphere[3], 1.0) / 2) ** 2 - off[plane] ** 2
            if radius <= 0:
                continue
            y, x = (off[axis] for axis in axes)
            at = np.array([SIDE / 2 + x * scale, SIDE / 2 + (-y if plane else y) * scale])
            _sign(draw, at, np.full(2, max(np.sqrt(radius) * scale, 4.0)), color)
        tiles.append(tile)
    return tiles


def _film(image: Image, at: np.ndarray | None, signs: Iterable[Sign]) -> list[Picture.Image]:
    unit = window_to_unit(np.asarray(image.voxels, np.float32), *shown_window(image, image.voxels))
    gray = Picture.fromarray(np.rint(255 * unit).astype(np.uint8))
    parts = [(np.zeros(2), np.array(gray.size, float))]
    if at is not None:
        side = max(gray.size) / 5
        parts.append((at - side / 2, np.full(2, side)))
    tiles = []
    for low, size in parts:
        shown = SIDE * size / size.max()
        width, height = (max(1, round(v)) for v in shown)
        tile = gray.transform(
            (width, height),
            Picture.Transform.EXTENT,
            (low[0], low[1], low[0] + size[0], low[1] + size[1]),
            Picture.Resampling.BICUBIC,
        ).convert("RGB")
        draw = ImageDraw.Draw(tile)
        scale = shown / size
        for box, color in signs:
            middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
            _sign(draw, (middle - low) * scale, np.maximum(half * scale, 3.0), color)
        tiles.append(tile)
    return tiles


def _sign(draw: ImageDraw.ImageDraw, at: np.ndarray, half: np.ndarray, color: str) -> None:
    """A square for a nodule, a circle for a mark, with a cross where it lies on nothing: no colour stands alone."""
    corners = [*(at - half), *(at + half)]
    if color == TRUTH:
        draw.rectangle(corners, outline=color)
        return
    draw.ellipse(corners, outline=color)
    if color == FALSE_ALARM:
        x, y = at
        draw.line([x - 3, y - 3, x + 3, y + 3], fill=color)
        draw.line([x - 3, y + 3, x + 3, y - 3], fill=color)
