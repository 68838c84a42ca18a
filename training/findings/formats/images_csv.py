"""``images.csv``: what networks say of whole images, one row for each image and network.

``seriesuid,model,probability,threshold,height,width,spacing_y,spacing_x,doubt,orientation``: `probability` 0–1 that the image
shows a nodule, `threshold` the one that the network's card proposes, height and width in pixels, spacing in mm (empty where it is
unknown). `model` reads as in ``findings.csv``: name and version. `doubt` says why no probability of this image counts (empty where
nothing speaks against it), `orientation` in words how the network saw the image, where that is not as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..finding import Findings, ImageScore, Provenance
from ..models import doubts, orientations
from .images.image_names import renamed
from .tables import write_rows

COLUMNS = (
    *("seriesuid", "model", "probability", "threshold", "height", "width"),
    *("spacing_y", "spacing_x", "doubt", "orientation"),
)


def write_images_csv(cases: Iterable[Findings], path: Path | str) -> None:
    """Write the image scores of many cases into one table (gzipped where the name ends in .gz), atomically.

    Raises
    ------
    SaveError
        The file could not be written; what was there before is unchanged.
    """
    write_rows(
        path, COLUMNS, (_row(case, score) for case in renamed(cases, path) for score in case.image_scores)
    )


def _row(case: Findings, score: ImageScore) -> Sequence[object]:
    image = case.image
    model = Provenance(score.model, score.version).label
    height, width = image.shape[-2:] or (None, None)
    spacing_y, spacing_x = image.spacing[-2:] if image.spacing is not None else (None, None)
    own = [m for m in case.models if m.get("name") == score.model]
    return (
        *(image.series_uid, model, float(score.probability), float(score.threshold), height, width),
        *(spacing_y, spacing_x),
        *(" ".join(doubts(case.models)), ", ".join(seen.words for seen in orientations(own))),
    )
