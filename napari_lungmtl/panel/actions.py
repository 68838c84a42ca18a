"""What the keys do to the window itself; what they do to findings is in `commands`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..layers.planes import PLANES


def window_actions(dock: Any) -> dict[str, Callable[[], object]]:
    """Actions of the table of keys, by name, on a `LungNodulesDock` (which imports this) whose parts may be made later."""
    return {
        "next": lambda: dock.findings.step(1),
        "previous": lambda: dock.findings.step(-1),
        "run": lambda: dock.run.start(),
        "characterise": lambda: dock.run.characterise(),
        "next study": lambda: dock.cases.step(1),
        "previous study": lambda: dock.cases.step(-1),
        "done": lambda: dock.cases.toggle_done(),
        "corner texts": dock.toggle_corner_texts,
        "fill": lambda: dock.preferences.switch("fill"),
        "attributes": lambda: dock.preferences.switch("attributes"),
        **{f"view {plane}": partial(_show_plane, dock, plane) for plane in PLANES},
        "linked views": lambda: dock.views.link(not dock.views.on),
        "slab": lambda: dock.views.choose_slab(dock.views.slab.next()),
        "thinner": lambda: dock.views.choose_slab(dock.views.slab.thicker(-5.0)),
        "thicker": lambda: dock.views.choose_slab(dock.views.slab.thicker(5.0)),
        "keep window": lambda: dock.show_section.windows.ask_name(),
        "cine": lambda: dock.cine.toggle(1),
        "cine back": lambda: dock.cine.toggle(-1),
        "cine slower": lambda: dock.cine.change_speed(-1),
        "cine faster": lambda: dock.cine.change_speed(1),
        "mouse": lambda: dock.mouse.toggle(),
        "help": lambda: dock.footer.toggle_keys(),
    }


def _show_plane(dock: Any, plane: str) -> None:
    dock.show_section.choose_plane(plane)  # which is made after this table
