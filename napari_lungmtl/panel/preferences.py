"""What a person has switched on or off in this window, remembered for the next one."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path

from platformdirs import user_config_path
from psygnal import Signal, SignalGroup

from ..session.review import name_reviewer

log = logging.getLogger("napari_lungmtl")
DEFAULTS = {"attributes": True, "fill": False}
"""Whether the attributes of the selected nodule stand on the canvas, and whether spheres are filled."""


class PreferencesEvents(SignalGroup):
    """`changed` carries the name of the switch and where it stands now."""

    changed = Signal(str, bool)


class Preferences:
    """Switches by name, kept in a file of the person's settings.

    Where it cannot be read or written, the window works all the same, with what is set in it.
    """

    def __init__(self) -> None:
        self.events = PreferencesEvents()
        self._switches = dict(DEFAULTS)
        self.reviewer = ""  # as the person wants to be called; empty until asked
        with suppress(OSError, ValueError):
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(stored, dict):
                self._switches |= {n: v for n, v in stored.items() if n in DEFAULTS and isinstance(v, bool)}
                self.reviewer = str(stored.get("reviewer", ""))
        name_reviewer(self.reviewer)

    def __getitem__(self, name: str) -> bool:
        return self._switches[name]

    def switch(self, name: str, on: bool | None = None) -> None:
        """Switch on or off, or to the other side where nothing is said, and remember it."""
        on = not self._switches[name] if on is None else on
        if on == self._switches[name]:
            return
        self._switches[name] = on
        self._write()
        self.events.changed.emit(name, on)

    def name_reviewer(self, name: str) -> None:
        """Call the person so from now on, in findings and measurements, and remember it."""
        if name.strip():
            self.reviewer = name.strip()
            name_reviewer(self.reviewer)
            self._write()

    @property
    def _path(self) -> Path:
        return user_config_path("napari-lungmtl", appauthor=False) / "switches.json"

    def _named(self) -> dict[str, str]:
        return {"reviewer": self.reviewer} if self.reviewer else {}

    def _write(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._switches | self._named(), indent=1), encoding="utf-8")
        except OSError as error:
            log.info("the window's switches are not remembered: %s", error)
