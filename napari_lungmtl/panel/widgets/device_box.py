"""Where networks run: a device of this machine, found when somebody asks, or another machine whose key file somebody has."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog

from ...jobs.machines import known_machines, remember
from ...jobs.worker import Worker, one_step
from ...training.errors import LungmtlError
from ...training.inference.device import devices
from ...training.inference.triton_workaround import keep_triton_out
from ...training.remote.key_file import SUFFIX, Key

ANOTHER = "another machine …"
_TIP = (
    "Where the network runs; auto takes a GPU if there is one. openvino: on the CPU, by another engine. "
    "bfloat16: on the CPU, in less precision where that is faster"
)
_LETTERS = 3


class DeviceBox(QComboBox):
    """``auto`` and ``cpu``, what else torch knows once someone looks (importing it takes seconds), and other machines."""

    chosen = Signal()
    """Another device, or another machine; see `device` and `key`."""
    refused = Signal(str)
    """A sentence: a key file cannot be used."""

    def __init__(self) -> None:
        super().__init__()
        self.addItems(["auto", "cpu"])
        for key in known_machines():
            self.addItem(key.name, key)
        self.addItem(ANOTHER)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_LETTERS)
        self.setIconSize(QSize(0, 0))  # that policy keeps room for one
        self.setToolTip(_TIP)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._asked = False
        self._before = 0
        self._looking = Worker("Devices cannot be listed", self)
        self._looking.finished.connect(self._add)
        self.activated.connect(self._on_activated)
        self.currentIndexChanged.connect(self._on_index)

    @property
    def key(self) -> Key | None:
        """What opens the machine that was chosen; None for this one."""
        return self.currentData()

    @property
    def device(self) -> str:
        """The device of this machine that was chosen; ``auto`` while another machine is."""
        return self.currentText() if self.key is None and self.currentText() != ANOTHER else "auto"

    def showPopup(self) -> None:
        """Open the list, and find the machine's devices off the GUI thread when it is opened first."""
        view = self.view()
        if view is not None:  # names are longer than the box
            view.setMinimumWidth(view.sizeHintForColumn(0) + 30)
        super().showPopup()
        if not self._asked:
            self._asked = True
            self._looking.start(partial(one_step, _devices))

    def add_machine(self, path: Path) -> None:
        """Offer the machine of a key file, now and in later windows, and choose it."""
        try:
            key = remember(path)
        except LungmtlError as error:
            self.refused.emit(str(error))
            return
        known = [i for i in range(self.count()) if getattr(self.itemData(i), "name", None) == key.name]
        for index in known:
            self.setItemData(index, key)
        if not known:
            known = [self.findText(ANOTHER)]
            self.insertItem(known[0], key.name, key)
        self.setCurrentIndex(known[0])
        self._on_index(known[0])

    def _on_activated(self, index: int) -> None:
        if self.itemText(index) != ANOTHER or self.itemData(index) is not None:
            return
        self.setCurrentIndex(self._before)
        path, _ = QFileDialog.getOpenFileName(
            self, "Key file of a machine with networks", "", f"Key files (*{SUFFIX});;All files (*)"
        )
        if path:
            self.add_machine(Path(path))

    def _on_index(self, index: int) -> None:
        if self.itemText(index) == ANOTHER and self.itemData(index) is None:
            return  # nothing is chosen by it yet
        self._before, key = index, self.key
        there = (
            ""
            if key is None
            else f"Networks run on {key.name} ({key.address}): voxels are sent there, and no names"
        )
        self.setToolTip(there or _TIP)
        self.chosen.emit()

    def _add(self, devices: list[str]) -> None:
        at = self.findText("cpu") + 1
        self.insertItems(at, [d for d in devices if self.findText(d) < 0])


def _devices() -> list[str]:
    """What torch can use."""
    keep_triton_out()
    return devices()
