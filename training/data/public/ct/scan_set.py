"""What every public set of whole CTs becomes: scans in folds, each opened when it is its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....imaging.image import Image
from ..whole_scans import WholeScan


@dataclass(frozen=True, eq=False)
class OpenScan:
    """A scan that was read, with what is known of it.

    Parameters
    ----------
    known
        Its nodules, and what counts neither way.
    readers
        For each nodule the (readers, 9) ratings; empty where nobody rated.
    lungs
        bool, of the image's shape, where the lung field was needed to know what a nodule is.
    """

    known: WholeScan
    image: Image
    readers: tuple[np.ndarray, ...] = ()
    lungs: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class SetScan:
    """A scan of a set, not read yet.

    Parameters
    ----------
    name
        SeriesInstanceUID, or what the set calls it.
    fold
        ``"0"`` … or, of a set that is published in parts, ``"train"``, ``"val"``, ``"test"``; empty where the folder has no folds.
    path
        File or folder, for messages.
    open
        Reads it; raises `LungmtlError`.
    series_uid
        DICOM's, or empty.
    """

    name: str
    fold: str
    path: Path
    open: Callable[[], OpenScan]
    series_uid: str = ""


@dataclass(frozen=True, eq=False)
class ScanSet:
    """A set of whole scans.

    Parameters
    ----------
    title, licence
        As a card names them.
    limit
        What a card says of nodules that the set does not know or names otherwise.
    """

    title: str
    licence: str
    limit: str
    scans: tuple[SetScan, ...]
