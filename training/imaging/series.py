"""One image that can be read, as its headers describe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Series:
    """One image that can be read: a DICOM series, or a volume file.

    Parameters
    ----------
    uid
        What to pass as ``read_image(path, series=uid)``: the SeriesInstanceUID, or the file's stem.
    description
        Series description.
    modality
        DICOM modality, ``""`` where the files do not say.
    n_slices
        Number of slices (1 for a radiograph).
    spacing
        (z, y, x) or (y, x) in mm; None where unknown. For slices it follows from their positions.
    shape
        (z, y, x) or (y, x) as stored.
    patient_id
        Patient identifier.
    date
        StudyDate as DICOM writes it (``YYYYMMDD``), ``""`` where the files do not say.
    files
        The files, in slice order.
    path
        The folder they are in, or the volume file.
    kind
        What it is if it is no scan and no radiograph: ``"localizer"``, ``"screen capture"``, ``"reformatted"`` …; otherwise
        ``""``.
    warnings
        What was left out, and which other files could not be read.
    """

    uid: str
    description: str = ""
    modality: str = ""
    n_slices: int = 1
    spacing: tuple[float, ...] | None = None
    shape: tuple[int, ...] = ()
    patient_id: str = ""
    date: str = ""
    files: tuple[Path, ...] = ()
    path: Path = Path()
    kind: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def ndim(self) -> int:
        """Number of axes: 3 for scans, 2 for radiographs."""
        return len(self.shape)

    def __str__(self) -> str:
        size = " × ".join(map(str, self.shape))
        spacing = (
            "spacing unknown"
            if self.spacing is None
            else " × ".join(f"{s:.3g}" for s in self.spacing) + " mm"
        )
        parts = (self.modality, self.description, self.kind, size, spacing, self.uid)
        return " · ".join(part for part in parts if part)


def describe(series: Sequence[Series], most: int = 8) -> str:
    """List the series as lines of a message."""
    lines = [f"  {s}" for s in series[:most]]
    return "\n".join(lines + ([f"  … and {len(series) - most} more"] if len(series) > most else []))
