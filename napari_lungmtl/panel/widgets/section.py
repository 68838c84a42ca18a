"""A section of the dock: a title that folds its body away, and beside it what matters when it is folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from ...reviewed_images import ReviewedImage
from .qt import sure
from .tab_order import put_after, stops


class Section(QFrame):
    """Base of the dock's sections; subclasses fill `body` and follow the image in `follow`.

    Parameters
    ----------
    title
        One lower-case word.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section")
        self.reviewed: ReviewedImage | None = None
        self._connections: list[tuple[Any, Callable[..., Any]]] = []
        self._title = QToolButton()
        self._title.setObjectName("title")
        self._title.setText(title)
        self._title.setCheckable(True)
        self._title.setChecked(True)
        self._title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._title.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # without a mouse, sections open by Space
        self._title.toggled.connect(self.set_open)
        self.summary = eliding("faint")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.head = QHBoxLayout()
        self.head.addWidget(self._title)
        self.head.addWidget(self.summary, 1)
        self.content = QWidget()
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(0, 0, 0, 4)
        self.body.setSpacing(5)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 2)
        layout.setSpacing(3)
        layout.addLayout(self.head)
        layout.addWidget(self.content, 1)
        self.destroyed.connect(self.content.deleteLater)  # while nobody has unfolded it, it is no child
        self.set_open(True)

    def set_open(self, shown: bool) -> None:
        """Unfold or fold the body."""
        self._title.setChecked(shown)
        self._title.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        layout = self._layout
        if shown and layout.indexOf(self.content) < 0:
            layout.addWidget(self.content, 1)
            put_after(self._last_of_head(), self.content)
        elif not shown and not self.content.testAttribute(Qt.WidgetAttribute.WA_WState_Created):
            # Nobody has seen it yet, and most sections stay folded: the dock has less to style and to lay out without it.
            layout.removeWidget(self.content)
            self.content.setParent(None)
        self.content.setVisible(shown)

    def _last_of_head(self) -> QWidget:
        """What Tab stops at last before the body."""
        return next(
            (each for each in reversed(stops(self)) if not self.content.isAncestorOf(each)), self._title
        )

    def set_reviewed(self, reviewed: ReviewedImage | None) -> None:
        """Show another image (or none)."""
        self.release()
        self.reviewed = reviewed
        self.follow(reviewed)

    def release(self) -> None:
        """Stop listening; no widget is touched."""
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._connections.clear()

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Draw the image's state and `listen` to its events."""
        raise NotImplementedError

    def listen(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a session's (psygnal) or a layer's signal until the section shows another image."""
        signal.connect(slot)
        self._connections.append((signal, slot))


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A plain-text label in one of the style sheet's roles: ``faint``, ``warning``, ``error``, ``name``."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)  # names of files and layers are not markup
    widget.setWordWrap(wrap)
    set_role(widget, role)
    return widget


def fill(edit: QLineEdit, text: str) -> None:
    """Put a text into a field so that its beginning is seen where it is longer: Qt shows the end."""
    edit.setText(text)
    edit.setCursorPosition(0)


def eliding(role: str = "") -> QElidingLabel:
    """A one-line label that shortens its text instead of widening the dock."""
    widget = QElidingLabel()
    widget.setElideMode(Qt.TextElideMode.ElideMiddle)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    set_role(widget, role)
    return widget


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another role of the style sheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        style = sure(widget.style())
        style.unpolish(widget)
        style.polish(widget)


def tool_button(text: str, tip: str, slot: Callable[[], object]) -> QToolButton:
    """A flat button; Tab reaches it, and a click does not give it the focus, so that keys go on working."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: slot())
    return button
