"""A table of nodules: what the networks say of each, what readers said where that is known, and where its image is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import LungmtlError
from ..findings import ATTRIBUTES, Finding

By = Literal["networks", "readers"]
BY: tuple[By, ...] = ("networks", "readers")
"""Who gave a value: a network, or readers."""


class CohortError(LungmtlError):
    """These nodules cannot be shown or opened; the message says why and what to do."""


@dataclass(frozen=True)
class Nodule:
    """One row of the table.

    Parameters
    ----------
    case
        SeriesInstanceUID, or the name that the results give to the image.
    file
        The ``*.lungmtl.json`` that names the nodule, or the folder of nodule cubes.
    source
        The image (file or folder) that it lies in; None where the results do not say. For cubes, their folder.
    finding
        Sphere in LPS mm with the networks' malignancy (0–1) and attributes, as far as they are known.
    readers
        Means of the readers: the eight attributes by name and ``"malignancy"`` (1–5); empty where nobody rated it.
    cube
        Its number in ``cubes.npz``, for cubes.
    votes
        Malignancy 1–5 by each reader who rated it, ascending; empty where nobody did.
    """

    case: str
    file: Path
    source: Path | None
    finding: Finding
    readers: Mapping[str, float] = field(default_factory=dict)
    cube: int | None = None
    votes: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The finding's identifier; with `case` it is unique in a cohort."""
        return self.finding.id

    @property
    def center(self) -> tuple[float, ...]:
        """World position (z, y, x) in LPS mm."""
        return self.finding.center

    @property
    def diameter(self) -> float:
        """In mm."""
        return self.finding.diameter

    def value(self, name: str, by: By = "networks") -> float:
        """One value, NaN where unknown: ``"diameter"``, ``"malignancy"``, ``"spread"`` or an attribute by its LIDC name."""
        if name == "diameter":
            return self.diameter
        if by == "readers":
            return self.readers.get(name, np.nan)
        known = {"malignancy": self.finding.malignancy, "spread": self.finding.malignancy_spread}
        value = known[name] if name in known else self.finding.attributes.get(name)
        return np.nan if value is None else value


@dataclass(frozen=True)
class Cohort:
    """Many nodules of one folder.

    Parameters
    ----------
    path
        The folder.
    nodules
        The table, ordered by case.
    problems
        Sentences about what was left out.
    """

    path: Path
    nodules: tuple[Nodule, ...]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.nodules)

    @property
    def has_cubes(self) -> bool:
        """Whether the nodules are cubes, which predictions can be added to."""
        return bool(self.nodules) and self.nodules[0].cube is not None

    def values(self, name: str, by: By = "networks") -> np.ndarray:
        """(n,) one column, NaN where unknown; the names are those of `Nodule.value`."""
        return np.array([nodule.value(name, by) for nodule in self.nodules], float)

    def attributes(self, by: By = "networks") -> np.ndarray:
        """(n, 8) in the order of `ATTRIBUTES` on the LIDC scales, NaN where unknown."""
        return np.column_stack([self.values(name, by) for name in ATTRIBUTES])

    def row(self, case: str, id: str) -> int | None:
        """Where a nodule stands in the table, None where it does not; an empty `case` fits any."""
        return next((i for i, n in enumerate(self.nodules) if n.id == id and case in (n.case, "")), None)
