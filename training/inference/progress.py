"""One progress bar over the stages of a chain."""

from __future__ import annotations

from collections.abc import Sequence

from .predictor import ModelInfo

SHARE = {"detection": 6.0, "reduction": 1.0, "characterisation": 2.0}
"""How long stages take, roughly and relative to each other."""


class Bar:
    """One fraction over all stages, which never goes back.

    Parameters
    ----------
    infos
        The models in the order of work.
    """

    def __init__(self, infos: Sequence[ModelInfo]) -> None:
        shares = [SHARE[i.task] for i in infos]
        total = sum(shares)
        self._starts = {i.name: sum(shares[:k]) / total for k, i in enumerate(infos)}
        self._lengths = {i.name: s / total for i, s in zip(infos, shares, strict=True)}
        self._start, self._length, self._last = 0.0, 0.0, 0.0

    def enter(self, info: ModelInfo) -> None:
        """The stage of another model begins."""
        self._start, self._length = self._starts[info.name], self._lengths[info.name]

    def at(self, fraction: float) -> float:
        """The whole's fraction at a fraction of the stage."""
        value = self._start + self._length * min(max(fraction, 0.0), 1.0)
        self._last = max(self._last, min(value, 1.0))
        return self._last

    def end(self) -> float:
        """Everything is done."""
        self._last = 1.0
        return self._last
