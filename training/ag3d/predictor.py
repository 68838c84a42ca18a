"""3D-AG on a CT: lung field, 1 mm, overlapping windows, spheres in world coordinates."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_dilation

from ..engine.predictor import SCORE_FLOOR, ModelInfo, PredictorError, Progress
from ..findings import Finding, Findings, ImageReference, Origin, Sphere
from ..imaging import resample
from ..imaging.image import Image
from ..imaging.lung_field import lung_field
from .detect import GRID, Detections, concatenate, detect, pad_edge, suppress
from .network import Ag3d

MARGIN = 32
"""Context (mm) around the part of a window whose detections count."""
LARGEST = 20_000_000
"""Voxels of the largest window: about 3 GB in the first maps."""
RIM_MM = 5.0
"""A nodule's centre may lie this far outside the lung field (juxtapleural)."""


@dataclass(frozen=True)
class Window:
    """A window of the 1 mm volume: it sees [start, stop) and answers for centres in [low, high)."""

    start: tuple[int, ...]
    stop: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]


def split(length: int, longest: int) -> list[tuple[int, int]]:
    """Cut an axis into equal parts that fit `longest` with `MARGIN` on inner sides; boundaries on the grid."""
    if length <= longest:
        return [(0, length)]
    core = (longest - 2 * MARGIN) // GRID * GRID
    parts = -(-length // core)
    step = -(-length // parts // GRID) * GRID if length > parts * GRID else core
    return [(a, min(a + step, length)) for a in range(0, length, step)]


def windows(shape: Sequence[int], largest: int = LARGEST) -> list[Window]:
    """Windows over a padded volume (sides multiples of `GRID`), cut along the longest axes until each fits."""
    limits = list(shape)
    while np.prod(limits) > largest:
        axis = int(np.argmax(limits))
        smaller = max(limits[axis] // 2 // GRID * GRID, 2 * MARGIN + GRID)
        if smaller >= limits[axis]:
            break
        limits[axis] = smaller
    parts = [split(n, limit) for n, limit in zip(shape, limits, strict=True)]
    found = []
    for index in np.ndindex(*(len(p) for p in parts)):
        low = [parts[axis][i][0] for axis, i in enumerate(index)]
        high = [parts[axis][i][1] for axis, i in enumerate(index)]
        start = [max(a - MARGIN, 0) for a in low]
        stop = [min(b + MARGIN, n) for b, n in zip(high, shape, strict=True)]
        found.append(Window(tuple(start), tuple(stop), tuple(low), tuple(high)))
    return found


class Ag3dPredictor:
    """The detector as a `Predictor`.

    Parameters
    ----------
    net
        Trained network.
    info
        Name, version and default threshold, from the card.
    device
        Where to run. When a GPU runs out of memory, windows are halved, and at last the CPU takes over.
    """

    def __init__(self, net: Ag3d, info: ModelInfo, device: torch.device) -> None:
        self.info = info
        self.device = device
        self.net = net.eval().to(memory_format=torch.channels_last_3d)

    def run(self, image: Image) -> Generator[Progress, None, Findings]:
        """Yield progress; return spheres by descending score, all above `SCORE_FLOOR`.

        Raises
        ------
        PredictorError
            The image is no CT volume.
        NoLungFoundError
            There is no lung in it.
        """
        check(image)
        yield Progress(0.0, "finding the lungs")
        lungs = lung_field(image)
        yield Progress(0.1, "resampling to 1 mm")
        volume, near_lung = prepare(image, lungs)
        yield Progress(0.2, "detecting")
        parts: list[Detections] = []
        padded, offset = pad_edge(volume.voxels)
        for fraction, note, part in self._windows(padded, near_lung, offset):
            parts.append(part)
            so_far = self._findings(
                suppress(concatenate(parts), self.net.config.nms_iou), volume, offset, image
            )
            yield Progress(0.2 + 0.8 * fraction, "detecting", so_far, note)
        return self._findings(suppress(concatenate(parts), self.net.config.nms_iou), volume, offset, image)

    def _windows(
        self, padded: np.ndarray, near_lung: np.ndarray, offset: np.ndarray
    ) -> Iterator[tuple[float, str, Detections]]:
        """Detections of each window that holds lung, with the share done and a note for the person."""
        device, largest, note = self.device, LARGEST, ""
        self.net.to(device)
        todo, done = windows(padded.shape, largest), 0
        while todo:
            window = todo[0]
            if not _lung_in(window, near_lung, offset):
                todo.pop(0)
                continue
            try:
                part = self._window(padded, window, device)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                smaller = windows(padded.shape, largest // 2)
                if len(smaller) == len(windows(padded.shape, largest)):
                    device, note = (
                        torch.device("cpu"),
                        "The GPU's memory does not suffice: going on with the CPU.",
                    )
                    self.net.to(device)
                else:
                    largest //= 2
                    note = "The GPU's memory is short: going on with smaller windows."
                    # Cores differ between window sizes; starting again is simpler than fitting them together.
                    todo, done = smaller, 0
                yield 0.0, note, concatenate([])
                continue
            todo.pop(0)
            done += 1
            yield done / (done + len(todo)), note, _in_lung(part, near_lung, offset)
            note = ""

    def _window(self, padded: np.ndarray, window: Window, device: torch.device) -> Detections:
        cut = padded[tuple(slice(a, b) for a, b in zip(window.start, window.stop, strict=True))]
        batch = torch.from_numpy(np.ascontiguousarray(cut)).to(device)[None, None]
        found = detect(self.net, batch)[0].moved(np.array(window.start))
        centers = found.spheres[:, :3]
        return found[np.all((centers >= window.low) & (centers < window.high), axis=1)]

    def _findings(self, found: Detections, volume: Image, offset: np.ndarray, image: Image) -> Findings:
        found = found[found.score >= SCORE_FLOOR]
        centers = volume.to_world(found.spheres[:, :3] - offset)
        origin = Origin(self.info.name, self.info.version)
        items = tuple(
            Finding(
                Sphere(tuple(center), max(sphere[3], 1.0)),
                score=float(score),
                scores={"rpn": float(rpn), "fprn": float(fprn)},
                origin=origin,
            )
            for center, sphere, score, rpn, fprn in zip(
                centers, found.spheres, found.score, found.rpn, found.fprn, strict=True
            )
        )
        return Findings(items, reference(image), ({"name": self.info.name, "version": self.info.version},))


def reference(image: Image) -> ImageReference:
    """What findings say about the image they belong to."""
    return ImageReference(
        image.series_uid,
        str(image.source or ""),
        image.modality,
        image.shape,
        image.spacing,
        image.origin,
        image.units,
    )


def check(image: Image) -> None:
    """Refuse what is no CT volume in Hounsfield units."""
    name = image.source or image.series_uid or "the image"
    if image.ndim != 3:
        raise PredictorError(
            f"3D-AG detects nodules in CT volumes, but {name} is a flat image. Open a CT series."
        )
    if image.spacing is None:
        raise PredictorError(
            f"{name} has no voxel spacing, so sizes in mm are unknown. Open the original CT series."
        )
    if image.modality not in ("CT", ""):
        raise PredictorError(f"3D-AG was trained on CT; {name} is {image.modality}. Open a CT series.")
    low, high = float(image.voxels.min()), float(image.voxels.max())
    if low > -500:
        raise PredictorError(
            f"{name} has no values below {low:.0f}; air in a CT is near -1000 HU. "
            "Open a CT in Hounsfield units (apply the rescale slope and intercept)."
        )
    if high - low < 500:
        raise PredictorError(f"{name} spans only {low:.0f} to {high:.0f}: it shows no tissue.")


def prepare(image: Image, lungs: np.ndarray) -> tuple[Image, np.ndarray]:
    """The part around the lungs at 1 mm, and on the same grid where a nodule's centre may lie."""
    spacing = np.asarray(image.spacing)
    margin = np.ceil(MARGIN / spacing).astype(int)
    low, high = [], []
    for axis in range(3):
        where = np.flatnonzero(lungs.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(max(int(where[0]) - margin[axis], 0))
        high.append(min(int(where[-1]) + 1 + margin[axis], image.shape[axis]))
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    origin = tuple(image.to_world(low))
    # A single slice still stands for its thickness; interpolation needs two.
    cropped = Image(image.voxels[part], image.modality, image.spacing, origin, image.series_uid, image.source)
    volume = resample(cropped, (1.0, 1.0, 1.0))
    index = [
        np.clip(np.round((np.arange(n) * s + o - co) / cs).astype(int), 0, m - 1)
        for n, s, o, co, cs, m in zip(
            volume.shape,
            volume.scale,
            volume.origin,
            cropped.origin,
            cropped.scale,
            cropped.shape,
            strict=True,
        )
    ]
    mask = lungs[part][np.ix_(*index)]
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij")), axis=0) <= RIM_MM / 2
    # Dilating at half resolution with half the radius: the same rim for an eighth of the work.
    coarse = binary_dilation(mask[::2, ::2, ::2], ball)
    near = coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2)[: mask.shape[0], : mask.shape[1], : mask.shape[2]]
    return volume, near | mask


def _lung_in(window: Window, near_lung: np.ndarray, offset: np.ndarray) -> bool:
    low = np.clip(np.array(window.low) - offset, 0, None)
    high = np.clip(np.array(window.high) - offset, 0, None)
    return bool(near_lung[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].any())


def _in_lung(found: Detections, near_lung: np.ndarray, offset: np.ndarray) -> Detections:
    """Detections whose centre lies in or next to the lungs, and not in padding."""
    index = np.round(found.spheres[:, :3] - offset).astype(int)
    inside = np.all((index >= 0) & (index < near_lung.shape), axis=1)
    index = np.clip(index, 0, np.array(near_lung.shape) - 1)
    return found[inside & near_lung[tuple(index.T)]]
