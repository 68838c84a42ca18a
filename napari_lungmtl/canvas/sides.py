"""Which side of the patient lies at which edge of the canvas: no Qt, no napari."""

from __future__ import annotations

from collections.abc import Sequence

LETTERS = (("F", "H"), ("A", "P"), ("R", "L"))
"""For the world's axes z, y, x (LPS): the side at their low and at their high end. Feet, head, front, back, the patient's right
and left."""


def edges(order: Sequence[int], vertical: str, horizontal: str) -> dict[str, str]:
    """Letters at the edges of a slice of a volume.

    Parameters
    ----------
    order
        napari's ``dims.order`` of the world's axes z, y, x: the last two are drawn, down and across.
    vertical, horizontal
        Where their values grow to on the canvas: ``"down"`` or ``"up"``, ``"right"`` or ``"left"``
        (``camera.orientation2d``).

    Returns
    -------
    dict
        By ``"top"``, ``"bottom"``, ``"left"`` and ``"right"``.

    Examples
    --------
    >>> edges((0, 1, 2), "down", "right")
    {'top': 'A', 'bottom': 'P', 'left': 'R', 'right': 'L'}
    """
    down, across = LETTERS[order[-2]], LETTERS[order[-1]]
    top, bottom = down if vertical == "down" else down[::-1]
    left, right = across if horizontal == "right" else across[::-1]
    return {"top": top, "bottom": bottom, "left": left, "right": right}
