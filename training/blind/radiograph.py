"""Grafts on a radiograph: nodules projected as X-rays would, a few at a time, and the networks on the whole film.

Lungs are those that a network outlines; a film without them has no map.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter
from scipy.spatial.transform import Rotation

from ..data.errors import DatasetError
from ..data.simulation.nodule_views import SIZE, project
from ..data.simulation.paste import DETECTOR_MM, Tone, between, view_on_radiograph
from ..findings import Finding, Findings, Mask
from ..imaging.image import Image
from ..imaging.radiograph.exposed_area import exposed_area
from ..imaging.radiograph.network_input import TAILS
from ..imaging.radiograph.orientation import Orientation
from ..inference import chain
from ..inference.predictor import PredictorError, finish
from .at_hand import bank_at_hand
from .bank import TISSUE_HU, Nodule
from .kinds import CONTRASTS, RADIOGRAPH_SIZES, Kind
from .lattice import lattice
from .steps import Step
from .trials import KERNEL_MM, Grid, Trial, best_within

GRID_MM = 4.0
STEPS_MM = (36.0, 24.0)
APART_MM = 70.0
"""Grafts on a film at the same time are so far apart that none helps or hides another."""
TOGETHER = 4
DENSE_GAIN = 0.5
BLUR_MM = 0.5
MAGNIFIED = (0.85, 1.7)
"""Factors on a nodule's size: films magnify, and show larger nodules than the screening CTs that these come from."""
LUNGS = ("right lung", "left lung", "lungs")


@dataclass(frozen=True, eq=False)
class Film:
    """A radiograph with its lungs and what it marks without grafts.

    Parameters
    ----------
    image
        The radiograph.
    mm
        Size of a pixel (the mean of its sides); a film of 43 cm is taken where the file does not say.
    lungs
        bool (2, h, w) on the image: the patient's right, and left.
    marks
        Findings of the networks on the film as it is.
    """

    image: Image
    mm: float
    lungs: np.ndarray
    marks: Findings

    @property
    def unit(self) -> float:
        """World units of a mm: 1, or pixels of a mm where the spacing is unknown."""
        return 1.0 if self.image.spacing is not None else 1 / self.mm

    @property
    def grid(self) -> Grid:
        """The lungs in voxels of about `GRID_MM`."""
        step = max(round(GRID_MM / self.mm), 1)
        shape = tuple(n // step for n in self.image.shape)
        inside = np.asarray(self.lungs.any(0))[step // 2 :: step, step // 2 :: step][: shape[0], : shape[1]]
        spacing = tuple(float(s) * step for s in self.image.scale)
        origin = tuple(map(float, self.image.to_world(((step - 1) / 2,) * 2)))
        return Grid(inside, spacing, origin, KERNEL_MM * self.unit)


def film_of(image: Image, marks: Findings) -> Film:
    """Take the lungs of what networks found.

    Raises
    ------
    PredictorError
        No network outlined lungs.
    """
    name = image.source or image.series_uid or "the radiograph"
    masks = [_on_image(image, region.mask) for region in marks.regions if region.name in LUNGS]
    if not masks:
        raise PredictorError(
            f"No lungs were outlined on {name}: the map needs them. Is it a frontal chest radiograph, upright?"
        )
    mm = float(np.mean(image.spacing)) if image.spacing is not None else DETECTOR_MM / max(image.shape)
    return Film(image, mm, np.stack(masks if len(masks) > 1 else masks * 2), marks)


def _on_image(image: Image, mask: Mask) -> np.ndarray:
    """A mask on the pixels of an image."""
    values = mask.to_array()
    axes = []
    for axis, count in enumerate(image.shape):
        world = image.origin[axis] + np.arange(count) * image.scale[axis]
        place = (world - mask.origin[axis]) / mask.spacing[axis]
        axes.append(np.round(place).astype(int))
    inside = [(a >= 0) & (a < n) for a, n in zip(axes, values.shape, strict=True)]
    clipped = [np.clip(a, 0, n - 1) for a, n in zip(axes, values.shape, strict=True)]
    return values[np.ix_(*clipped)] & inside[0][:, None] & inside[1][None]


def view_of(nodule: Nodule, rng: np.random.Generator) -> np.ndarray:
    """Project a nodule from a random direction: log attenuation that it adds, 1 mm pixels, its middle in the middle."""
    rim = gaussian_filter(nodule.mask.astype(np.float32), 0.5) * binary_dilation(nodule.mask)
    added = np.clip(nodule.filled, 0, None) * rim * (TISSUE_HU - nodule.lung)
    spare = [max(SIZE + 2 - n, 0) for n in added.shape]
    return project(np.pad(added, [(s // 2, s - s // 2) for s in spare]), Rotation.random(rng=rng))


def put(
    film: Film,
    views: Sequence[tuple[np.ndarray, float]],
    places: np.ndarray,
    contrast: str,
    strength: float = 1.0,
) -> Image:
    """Add projected nodules to a radiograph.

    Parameters
    ----------
    views
        Of each nodule what it adds (`view_of`), and the factor on its size.
    places
        (n, 2) world positions (y, x) of their middles.
    contrast
        One of `CONTRASTS`.
    strength
        Factor on what they add: 0 leaves the film as it is.
    """
    image = film.image
    if not strength:
        return image
    y0, x0, y1, x1 = exposed_area(image.voxels)
    low, high = np.percentile(image.voxels[y0:y1, x0:x1], TAILS)
    pixels = (image.voxels.astype(np.float32) - low) / max(high - low, 1e-6)
    lung, dense = (float(np.median(pixels[where])) for where in (film.lungs.any(0), between(film.lungs)))
    tone = Tone(lung, dense, max(dense - lung, 0.1) / CONTRASTS[contrast], DENSE_GAIN)
    for (view, scale), place in zip(views, places, strict=True):
        middle = image.to_index(place) + 0.5
        center = float(middle[0]), float(middle[1])
        pixel = tuple(mm / scale for mm in image.spacing or (film.mm, film.mm))
        patch = view_on_radiograph(scale * view, center, (pixel[0], pixel[1]), BLUR_MM)
        first = np.floor(np.asarray(center) - np.asarray(patch.shape) / 2).astype(int)
        rows, columns = (
            slice(max(a, 0), min(a + n, m)) for a, n, m in zip(first, patch.shape, pixels.shape, strict=True)
        )
        inner = patch[
            rows.start - first[0] : rows.stop - first[0], columns.start - first[1] : columns.stop - first[1]
        ]
        pixels[rows, columns] += tone.added(pixels[rows, columns], strength * inner)
    values = pixels * (high - low) + low
    kind = image.voxels.dtype
    if np.issubdtype(kind, np.integer):
        values = np.clip(np.rint(values), image.voxels.min(), image.voxels.max())
    return replace(image, voxels=values.astype(kind))


def choose_nodule(kind: Kind, rng: np.random.Generator) -> tuple[Nodule, float, float]:
    """Draw a nodule and the factor that brings it to a diameter (mm) of a class of size.

    Raises
    ------
    DatasetError
        None of those at hand can be brought to it.
    """
    diameter = float(rng.uniform(*RADIOGRAPH_SIZES[kind.size]))
    low, high = (diameter / factor for factor in reversed(MAGNIFIED))
    nodules = bank_at_hand().nodules
    fitting = [n for n in nodules if low <= n.diameter < high and n.texture != "ground glass"]
    if not fitting:
        raise DatasetError(
            f"There is no nodule of {low:.0f}–{high:.0f} mm among those at hand: choose another size."
        )
    nodule = fitting[int(rng.integers(len(fitting)))]
    return nodule, diameter / nodule.diameter, diameter


def scores_at(marks: Sequence[Finding] | Findings, center: np.ndarray, diameter: float) -> float:
    """Highest score of the marks whose middle lies within a circle."""
    found = [f for f in marks if len(f.center) == 2]
    centers = np.array([f.center for f in found], float).reshape(-1, 2)
    return best_within(centers, np.array([f.score for f in found], float), center, diameter)


def detect_on(
    image: Image, device: str, orientation: Orientation | None
) -> Generator[object, None, Findings]:
    """Run the detectors for radiographs, nothing else."""
    chosen = replace(chain.choose(image, device=device), reductions=(), characterisers=())
    return chosen.run(image, orientation=orientation)


def groups(places: np.ndarray, apart: float, most: int = TOGETHER) -> list[list[int]]:
    """Sort places into groups of at most `most` whose members are at least `apart` from each other, in the order given."""
    left, made = list(range(len(places))), []
    while left:
        group: list[int] = []
        for i in left:
            if len(group) < most and all(np.linalg.norm(places[i] - places[j]) >= apart for j in group):
                group.append(i)
        left = [i for i in left if i not in group]
        made.append(group)
    return made


def look_on_radiograph(
    image: Image,
    kind: Kind,
    device: str = "auto",
    orientation: Orientation | None = None,
    seed: int = 0,
) -> Generator[Step, None, tuple[Trial, ...]]:
    """Graft nodules of a kind all over the lungs of a radiograph; see `look`.

    Yields
    ------
    Step
        Before the networks run on the film as it is, and after each group of grafts.
    """
    rng = np.random.default_rng(seed)
    yield Step(0.0, "outlining the lungs")
    film = film_of(image, finish(detect_on(image, device, orientation)))
    grid = film.grid
    open_ = grid.inside
    batches: list[np.ndarray] = []
    for step in STEPS_MM:
        places = lattice(grid, step * film.unit, open_, rng)
        batches += [places[group] for group in groups(places, APART_MM * film.unit)]
    count = sum(map(len, batches))
    trials: list[Trial] = []
    for places in batches:
        yield Step(len(trials) / count, f"graft {len(trials) + 1} of {count}", grid, tuple(trials))
        trials += try_on_film(film, kind, places, device, orientation, rng)
    yield Step(1.0, f"graft {count} of {count}", grid, tuple(trials))
    return tuple(trials)


def try_on_film(
    film: Film,
    kind: Kind,
    places: np.ndarray,
    device: str,
    orientation: Orientation | None,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> list[Trial]:
    """Put nodules at some places (n, 2) of a film at the same time, and let the networks look."""
    drawn = [choose_nodule(kind, rng) for _ in places]
    views = [(view_of(nodule, rng), scale) for nodule, scale, _ in drawn]
    marks = finish(detect_on(put(film, views, places, kind.look, strength), device, orientation))
    return [
        Trial(
            tuple(float(c) for c in place),
            diameter * film.unit,
            scores_at(marks, place, diameter * film.unit),
            scores_at(film.marks, place, diameter * film.unit),
        )
        for place, (_, _, diameter) in zip(places, drawn, strict=True)
    ]
