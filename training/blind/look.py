"""Looks for where a detector is blind in an image: grafts on a lattice in its lungs, from coarse to fine."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from ..imaging.image import Image
from ..imaging.radiograph.orientation import Orientation
from ..inference.suitability import check_ct
from .kinds import Kind
from .radiograph import look_on_radiograph
from .scan import Scan, look_in_scan
from .steps import Step
from .trials import Trial

Look = Generator[Step, None, tuple[Trial, ...]]


@dataclass(frozen=True)
class Request:
    """What is looked for in what.

    Parameters
    ----------
    image
        A chest CT or a frontal radiograph.
    kind
        Of the nodules that are grafted.
    device
        As for `registry.load_predictor`.
    orientation
        How networks look at a radiograph; None as in `Chain.run`.
    seed
        Of the choice of nodules and places.
    scan
        What is known of a CT already.
    """

    image: Image
    kind: Kind
    device: str = "auto"
    orientation: Orientation | None = None
    seed: int = 0
    scan: Scan | None = None


def look(request: Request) -> Look:
    """Graft, detect, and tell after each: progress, the grid and all trials until now; closing it stops.

    Raises
    ------
    PredictorError, NoLungFoundError, DatasetError
        The image does not suit, has no lungs, or there is no such nodule.
    """
    if request.image.ndim == 2:
        return look_on_radiograph(
            request.image, request.kind, request.device, request.orientation, request.seed
        )
    check_ct(request.image, "The map of blind places", "grafts")
    return look_in_scan(request.image, request.kind, request.device, request.seed, request.scan)
