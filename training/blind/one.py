"""One graft at a place, with its score: to look at, never to keep."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..imaging.image import Image
from ..imaging.radiograph.orientation import Orientation
from ..inference.predictor import PredictorError, finish
from ..inference.suitability import check_ct
from .at_hand import bank_at_hand
from .bank import of_kind
from .graft import turned
from .kinds import Kind
from .radiograph import Film, choose_nodule, detect_on, film_of, put, scores_at, view_of
from .scan import load_detector, try_graft
from .steps import Step
from .trials import Trial


@dataclass(frozen=True, eq=False)
class OneGraft:
    """A graft that was tried.

    Parameters
    ----------
    trial
        Where, how large, and the score.
    picture
        The part of the image with the graft; nothing else differs.
    words
        What nodule it is: ``solid, Ø 7.3 mm``.
    film
        What was found out about a radiograph on the way, for the next graft.
    """

    trial: Trial
    picture: Image
    words: str
    film: Film | None = None


def graft_one(
    image: Image,
    kind: Kind,
    place: Sequence[float],
    device: str = "auto",
    orientation: Orientation | None = None,
    seed: int = 0,
    film: Film | None = None,
) -> Generator[Step, None, OneGraft]:
    """Graft one nodule of a kind at a world place, and let the detectors look.

    Parameters
    ----------
    place
        z, y, x in mm of a CT; y, x of a radiograph (pixels where the spacing is unknown).
    orientation
        As for `look.Request`.
    seed
        Of the choice of the nodule.
    film
        Of an earlier graft on the same radiograph.

    Raises
    ------
    PredictorError
        The place lies outside of the image, or nothing suits it.
    """
    yield Step(0.0, "grafting")
    if not bool(image.contains(place)):
        raise PredictorError("That place lies outside of the image: click inside of a lung.")
    rng = np.random.default_rng(seed)
    if image.ndim == 3:
        check_ct(image, "The preview", "grafts")
        nodules = of_kind(bank_at_hand().nodules, kind.size, kind.texture, image.series_uid)
        nodule = turned(nodules[int(rng.integers(len(nodules)))], rng)
        _, detect = load_detector(image, device)
        trial, grafted = try_graft(detect, image, nodule, np.asarray(place, float), rng)
        return OneGraft(
            trial, _crop(grafted.image, grafted.part), f"{nodule.texture}, Ø {nodule.diameter:.1f} mm"
        )
    if film is None or film.image is not image:
        film = film_of(image, finish(detect_on(image, device, orientation)))
        yield Step(0.5, "grafting")
    nodule, scale, diameter = choose_nodule(kind, rng)
    where = np.asarray(place, float)[None]
    changed = put(film, [(view_of(nodule, rng), scale)], where, kind.look)
    marks = finish(detect_on(changed, device, orientation))
    size = diameter * film.unit
    trial = Trial(
        tuple(float(c) for c in place),
        size,
        scores_at(marks, where[0], size),
        scores_at(film.marks, where[0], size),
    )
    different = np.argwhere(changed.voxels != image.voxels)
    if not len(different):
        raise PredictorError("The nodule adds nothing there: the radiograph is as bright as it can be.")
    low, high = different.min(0), different.max(0) + 1
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return OneGraft(trial, _crop(changed, part), f"{kind.look} contrast, Ø {diameter:.0f} mm", film)


def _crop(image: Image, part: tuple[slice, ...], margin: int = 1) -> Image:
    """A part of an image with a margin of voxels around."""
    wider = tuple(
        slice(max(p.start - margin, 0), min(p.stop + margin, n))
        for p, n in zip(part, image.shape, strict=True)
    )
    return replace(
        image,
        voxels=np.ascontiguousarray(image.voxels[wider]),
        origin=tuple(float(c) for c in image.to_world([p.start for p in wider])),
    )
