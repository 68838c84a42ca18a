"""Kinds of nodules that a person can choose to be grafted."""

from __future__ import annotations

from dataclasses import dataclass

from .bank import SIZES, TEXTURES

ANY, USUAL = "any", "usual"
RADIOGRAPH_SIZES = {"8–12 mm": (8.0, 12.0), "12–20 mm": (12.0, 20.0), "20–30 mm": (20.0, 30.0)}
"""Smaller nodules are hardly ever seen on a radiograph."""
CONTRASTS = {"faint": 1.5, USUAL: 1.0, "plain": 0.6}
"""How a nodule stands out on a radiograph: the log attenuation that lies between its grey values of lung and of mediastinum.

JSRT's nodules of 15 mm stand out by 0.03 of the grey range in the middle, and so do grafts at 0.7 to 2.2
(experiments/radiographs/contrast.py).
"""


@dataclass(frozen=True)
class Kind:
    """A class of size, and of texture (CT) or contrast (radiograph)."""

    size: str
    look: str = ANY

    @property
    def texture(self) -> str:
        """Texture as `bank.of_kind` takes it."""
        return "" if self.look == ANY else self.look

    @property
    def words(self) -> str:
        """For a sentence: ``solid nodules of 6–10 mm``."""
        plain = self.look in (ANY, USUAL)
        return f"nodules of {self.size}" if plain else f"{self.look} nodules of {self.size}"


def sizes_for(ndim: int) -> tuple[str, ...]:
    """Classes of size for images of 2 or 3 axes."""
    return tuple(RADIOGRAPH_SIZES if ndim == 2 else SIZES)


def looks_for(ndim: int) -> tuple[str, ...]:
    """Classes of contrast for radiographs, of texture for CTs."""
    return tuple(CONTRASTS) if ndim == 2 else (ANY, *TEXTURES)
