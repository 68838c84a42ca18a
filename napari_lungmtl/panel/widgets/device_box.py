"""Which device networks run on: what torch knows is looked for when somebody asks."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from ...jobs.worker import Worker, one_step
from ...training.inference.device import devices
from ...training.inference.triton_workaround import keep_triton_out


class DeviceBox(QComboBox):
    """``auto`` and ``cpu``, and what else torch knows once someone looks: importing torch takes seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.addItems(["auto", "cpu"])
        self.setToolTip("Where the network runs; auto takes the fastest")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._asked = False
        self._looking = Worker("Devices cannot be listed", self)
        self._looking.finished.connect(self._add)

    def showPopup(self) -> None:
        """Open the list, and find the machine's devices off the GUI thread when it is opened first."""
        super().showPopup()
        if not self._asked:
            self._asked = True
            self._looking.start(partial(one_step, _devices))

    def _add(self, devices: list[str]) -> None:
        self.addItems([d for d in devices if self.findText(d) < 0])


def _devices() -> list[str]:
    """What torch can use."""
    keep_triton_out()
    return devices()
