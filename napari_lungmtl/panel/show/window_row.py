"""Which grey levels are shown: presets, the file's own, and those that a person has named."""

from __future__ import annotations

from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from ...layers import window_presets
from ...reviewed_images import ReviewedImage
from ...session.own_windows import OwnWindowError, forget_window, keep_window, own_windows
from ...shortcuts import tooltip
from ...text.numbers import written
from ..widgets.qt import sure
from ..widgets.section import label, tool_button

CUSTOM = "Custom"


class NameEdit(QLineEdit):
    """A line that Escape closes."""

    def event(self, event: QEvent | None) -> bool:
        """Escape is this line's before it is the window's key."""
        is_key = event is not None and event.type() == QEvent.Type.ShortcutOverride
        if is_key and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape: nothing is named."""
        if sure(event).key() == Qt.Key.Key_Escape:
            self.clear()
            sure(self.parentWidget()).hide()
            return
        super().keyPressEvent(event)


class WindowRow(QWidget):
    """The list of windows, and buttons that keep the present one under a name, or forget the chosen one."""

    def __init__(self, caption: int) -> None:
        super().__init__()
        self._reviewed: ReviewedImage | None = None
        self._presets: dict[str, tuple[float, float]] = {}
        self.box = QComboBox()
        self.box.setAccessibleName("Window")
        self.box.setToolTip("Grey levels of the image")
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.activated.connect(self._choose)
        self.keep = tool_button("+", tooltip("keep window"), self.ask_name)
        self.forget = tool_button("−", "Forget this window of yours", self._forget)
        self.name = NameEdit()
        self.name.setPlaceholderText("Name, then Return; Esc leaves it")
        self.name.setMaxLength(24)
        self.name.returnPressed.connect(self._keep)
        self._values = label("", "faint")
        self._naming = QWidget()
        named = QHBoxLayout(self._naming)
        named.setContentsMargins(0, 0, 0, 0)
        named.addWidget(self._values)
        named.addWidget(self.name, 1)
        self.row = QHBoxLayout()
        word = label("Window")
        word.setFixedWidth(caption)
        self.row.addWidget(word)
        self.row.addWidget(self.box, 1)
        self.row.addWidget(self.keep)
        self.row.addWidget(self.forget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self.row)
        layout.addWidget(self._naming)
        self._naming.hide()
        self.forget.hide()

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Offer the windows of another image, or of none."""
        self._reviewed = reviewed
        image = reviewed.session.image if reviewed is not None else None
        self._presets = window_presets.presets(image) if image is not None else {}
        self._naming.hide()
        self.show_window()

    def show_window(self, _event: object = None) -> None:
        """Say which window the image is shown in now."""
        if self._reviewed is None:
            return
        name = window_presets.matching(self._reviewed.layer, self._presets)
        names = [*self._presets, *([CUSTOM] if name is None else [])]
        if names != [self.box.itemText(i) for i in range(self.box.count())]:
            self.box.clear()
            self.box.addItems(names)
        self.box.setCurrentText(name or CUSTOM)
        self.keep.setEnabled(name is None)
        image = self._reviewed.session.image
        self.forget.setVisible(image is not None and name is not None and name in own_windows(image))
        level, width = self._level_and_width()
        self._values.setText(f"{written(level)} / {written(width)}")

    def ask_name(self) -> None:
        """Let the person name the present window."""
        if self._reviewed is None or self._reviewed.session.image is None:
            return
        self._naming.show()
        self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _level_and_width(self) -> tuple[float, float]:
        assert self._reviewed is not None
        low, high = (float(value) for value in self._reviewed.layer.contrast_limits)
        return (low + high) / 2, high - low

    def _keep(self) -> None:
        image = self._reviewed.session.image if self._reviewed is not None else None
        if image is None:
            return
        name = self.name.text().strip()
        try:
            if name in self._presets and name not in own_windows(image):
                raise OwnWindowError(f"{name} is the name of a window that is there: choose another one.")
            keep_window(image, name, *self._level_and_width())
        except OwnWindowError as error:
            show_error(str(error))
            return
        self.name.clear()
        self.set_reviewed(self._reviewed)
        self.box.setCurrentText(name)
        sure(self.window()).setFocus()

    def _forget(self) -> None:
        image = self._reviewed.session.image if self._reviewed is not None else None
        if image is None:
            return
        try:
            forget_window(image, self.box.currentText())
        except OwnWindowError as error:
            show_error(str(error))
        self.set_reviewed(self._reviewed)

    def _choose(self, _index: int) -> None:
        limits = self._presets.get(self.box.currentText())
        if self._reviewed is not None and limits is not None:
            window_presets.apply(self._reviewed.layer, limits)
