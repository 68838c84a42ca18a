"""What a detector looked at in one image, as its last layer saw it: cached once, so that learning takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import numpy as np

from ..errors import LungmtlError
from ..findings.formats.atomic import write_atomically


class LearningError(LungmtlError):
    """Reviewed studies cannot teach a network; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places that a detector scored in one image, P of them.

    Parameters
    ----------
    places
        (P, 4): on a radiograph y0, x0, y1, x1, in a CT z, y, x and diameter; in the world's units.
    features
        (P, F) what the last layer of the scoring head is given; its logit is ``features @ weight + bias``.
    logits
        (P,) the logits of the weights that looked.
    drawn
        (P,) whether a place is one that a person marked and the detector was asked about, not one that it proposed.
    """

    places: np.ndarray
    features: np.ndarray
    logits: np.ndarray
    drawn: np.ndarray

    def save(self, path: Path) -> None:
        """Write atomically, so that a run that was stopped leaves whole files only."""
        buffer = BytesIO()
        np.savez(buffer, **{f.name: getattr(self, f.name) for f in fields(self)})
        write_atomically(path, buffer.getvalue())


def load_candidates(path: Path) -> Candidates | None:
    """Read what `Candidates.save` wrote; None where there is none, or it is damaged and has to be made again."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Candidates(**{f.name: kept[f.name] for f in fields(Candidates)})
    except (OSError, ValueError, KeyError, EOFError):
        return None


@dataclass(frozen=True, eq=False)
class Head:
    """The last layer of a detector's scoring head, or a step from it.

    Parameters
    ----------
    weight
        (F,).
    bias
        Added to ``features @ weight``.
    """

    weight: np.ndarray
    bias: float

    def __add__(self, step: Head) -> Head:
        return Head(self.weight + step.weight, self.bias + step.bias)

    def scaled(self, share: float) -> Head:
        """A part of a step."""
        return Head(share * self.weight, share * self.bias)


@dataclass(frozen=True)
class Outcome:
    """What a detector makes of images of which it is known what is in them.

    Parameters
    ----------
    lesions
        By a lesion's name the highest score of a mark that hits it, 0 where none does.
    false
        By an image's name the scores of the marks that are known to be false.
    """

    lesions: Mapping[str, float]
    false: Mapping[str, tuple[float, ...]]
