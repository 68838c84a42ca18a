"""The ground behind images: black while one is read, in napari's light theme too."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

BLACK = (0.0, 0.0, 0.0, 1.0)


class Ground:
    """Makes a canvas black, and gives back the colour that a person had set.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._canvas = viewer.canvas
        self._before: np.ndarray | None = None
        self._taken = False

    def take(self, read: bool) -> None:
        """Whether an image is read; a colour that a person sets meanwhile stays until none is."""
        if read and not self._taken:
            self._taken, self._before = True, self._canvas.background_color_override
            self._canvas.background_color_override = BLACK
        elif not read:
            self.let_go()

    def let_go(self) -> None:
        """Give the former colour back, unless a person has set another."""
        if not self._taken:
            return
        self._taken = False
        present = self._canvas.background_color_override
        if present is not None and np.array_equal(present, BLACK):
            self._canvas.background_color_override = self._before
