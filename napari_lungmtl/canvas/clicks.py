"""Clicks on napari's canvas, told apart from drags, for whoever looks where a person points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel

_CLICK = 3.0
"""Pixels that a click may move."""


def on_click(
    viewer: ViewerModel,
    clicked: Callable[[dict[int, float]], object],
    is_wanted: Callable[[], bool] = lambda: True,
    modifiers: Sequence[str] = (),
) -> Callable[[], None]:
    """Call back for each click of the left button on a slice, while no layer has a tool in hand.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    clicked
        Gets the world coordinates of the click along the displayed axes, by axis.
    is_wanted
        Asked at the press: False leaves it to others.
    modifiers
        Exactly the keys that are held, as napari names them: ``("Alt",)``.

    Returns
    -------
    callable
        Leaves the canvas alone from then on; may be called again.
    """

    def press(viewer: ViewerModel, event: Any) -> Iterator[None]:
        """napari calls this for every press, and goes on with it for every move until the release."""
        active = viewer.layers.selection.active
        is_idle = str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"
        held = {str(getattr(key, "name", key)) for key in event.modifiers}
        if viewer.dims.ndisplay != 2 or not is_idle or event.button != 1 or held != set(modifiers):
            return
        if not is_wanted():
            return
        start = np.asarray(event.pos, float)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos, float) - start).max() <= _CLICK:
            clicked({axis: float(event.position[axis]) for axis in viewer.dims.displayed})

    viewer.mouse_drag_callbacks.append(press)

    def stop() -> None:
        if press in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(press)

    return stop
