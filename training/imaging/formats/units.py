"""Units of length by the names that file formats have for them, and sizes that no chest has."""

from __future__ import annotations

_MILLIMETRES = {
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0,
    "cm": 10.0, "centimeter": 10.0, "centimetre": 10.0,
    "dm": 100.0, "decimeter": 100.0, "decimetre": 100.0,
    "m": 1e3, "meter": 1e3, "metre": 1e3,
    "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "micrometer": 1e-3, "micrometre": 1e-3,
    "nm": 1e-6, "nanometer": 1e-6, "nanometre": 1e-6,
    "pm": 1e-9, "picometer": 1e-9, "picometre": 1e-9, "angstrom": 1e-7,
    "in": 25.4, "inch": 25.4, "inches": 25.4, "foot": 304.8, "yard": 914.4,
}  # fmt: skip
_UNSTATED = ("", "?", "???", "none", "unknown", "pixel", "voxel", "a.u.")
_SMALLEST, _LARGEST = 0.01, 50.0  # mm, of a voxel
_LONGEST, _SHORTEST, _MANY = (
    3000.0,
    10.0,
    64,
)  # mm of the whole; a cut-out of few voxels may be as small as it likes


def millimetres(unit: str) -> float | None:
    """Return how many millimetres a unit has, whatever its spelling; None of a unit that is none of length."""
    word = unit.strip().strip('"').strip().lower()
    return _MILLIMETRES.get(word, _MILLIMETRES.get(word.removesuffix("s")))


def is_unstated(unit: str) -> bool:
    """Tell whether a unit is one of the words for "not known"."""
    return unit.strip().strip('"').strip().lower() in _UNSTATED


def size_warning(spacing: tuple[float, ...] | None, shape: tuple[int, ...], name: str) -> tuple[str, ...]:
    """Say that a voxel size (mm) is one that no chest image has, as of a file in other units than it states.

    Parameters
    ----------
    spacing
        In mm, or None: then there is nothing to doubt.
    shape
        Voxels along the same axes.
    name
        What to call the image.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if spacing is None:
        return ()
    lengths = [s * n for s, n in zip(spacing, shape, strict=True)]
    size = " × ".join(f"{s:.4g}" for s in spacing)
    if max(spacing) > _LARGEST or max(lengths) > _LONGEST:
        found = "large"
    elif min(spacing) < _SMALLEST or (max(lengths) < _SHORTEST and max(shape) >= _MANY):
        found = "small"
    else:
        return ()
    return (
        f"{name} states a voxel size of {size} mm, far too {found} for a chest: check the unit in its header.",
    )
