"""Colours and sizes of the dock, from napari's theme: text of at least 10 pt, one accent, warnings that can be read."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.theme import get_theme

FONT_PT = 10
"""Smallest text of the dock; napari's own is 9 pt."""


@dataclass(frozen=True)
class Palette:
    """The few colours of the dock as ``#rrggbb``."""

    text: str
    faint: str
    background: str
    raised: str
    line: str
    hover: str
    accent: str
    on_accent: str
    warning: str
    error: str
    accepted: str


def palette(theme: str) -> Palette:
    """The dock's colours for a napari theme.

    Warning, error and accepted are chosen for a contrast of at least 4.5 : 1 on the background of either kind; napari's own
    error red has 1.7 : 1 in the dark theme.
    """
    napari = get_theme(theme)
    dark = napari.type == "dark"
    return Palette(
        text=napari.text.as_hex("long"),
        faint="#b4b9c2" if dark else "#4f545c",
        background=napari.background.as_hex("long"),
        raised=napari.foreground.as_hex("long"),
        line=napari.primary.as_hex("long"),
        hover=napari.primary.as_hex("long"),
        accent="#2f7fd1" if dark else "#1667b7",
        on_accent="#ffffff",
        warning="#f0c040" if dark else "#805500",
        error="#ff8a80" if dark else "#b3261e",
        accepted="#7fd1ae" if dark else "#12694a",
    )


def stylesheet(colors: Palette) -> str:
    """The dock's style sheet; it lies over napari's."""
    return f"""
    QWidget {{ font-size: {FONT_PT}pt; }}
    QLabel {{ background: transparent; padding: 0px; }}
    QLabel[role="faint"] {{ color: {colors.faint}; }}
    QLabel[role="warning"] {{ color: {colors.warning}; }}
    QLabel[role="error"] {{ color: {colors.error}; }}
    QLabel[role="accepted"] {{ color: {colors.accepted}; }}
    QLabel[role="name"] {{ font-weight: 600; }}
    QFrame#section {{ border: 0px; border-top: 1px solid {colors.line}; }}
    QToolButton {{ background: transparent; border-radius: 3px; padding: 2px 5px; color: {colors.text}; }}
    QToolButton, QSlider, QCheckBox {{ border: 1px solid transparent; }}
    QToolButton:focus, QSlider:focus, QCheckBox:focus, QComboBox:focus, QTableView:focus, QListView:focus, QLineEdit:focus,
    QAbstractSpinBox:focus {{ border: 1px solid {colors.text}; border-radius: 3px; }}
    QPushButton {{ border: 2px solid transparent; }}
    QPushButton:focus {{ border: 2px solid {colors.text}; }}
    QToolButton:hover {{ background: {colors.hover}; }}
    QToolButton:checked {{ background: {colors.line}; }}
    QToolButton:disabled {{ color: {colors.faint}; }}
    QToolButton#title {{ font-weight: 600; text-align: left; padding-left: 0px; }}
    QToolButton#title:hover {{ background: transparent; }}
    QToolButton#title:checked {{ background: transparent; }}
    QToolButton[role="warning"] {{ color: {colors.warning}; }}
    QPushButton {{ padding: 3px 8px; border-radius: 3px; font-size: {FONT_PT}pt; }}
    QPushButton#primary {{ background: {colors.accent}; color: {colors.on_accent}; font-weight: 600; padding: 5px 16px; }}
    QPushButton#primary:disabled {{ background: {colors.raised}; color: {colors.faint}; }}
    QComboBox {{ font-size: {FONT_PT}pt; min-height: 20px; }}
    QComboBox QListView {{ font-size: {FONT_PT}pt; }}
    QProgressBar {{ background: {colors.raised}; border: 0px; border-radius: 3px; max-height: 8px; min-height: 8px; }}
    QProgressBar::chunk {{ background: {colors.accent}; border-radius: 3px; }}
    QTableView, QTreeView {{
        background: {colors.background}; alternate-background-color: {colors.raised}; color: {colors.text};
        border: 1px solid {colors.line}; gridline-color: transparent; font-size: {FONT_PT}pt;
        selection-background-color: {colors.accent}; selection-color: {colors.on_accent};
    }}
    QTableView::item {{ padding: 0px 3px; border: 0px; }}
    QTreeView::item {{ padding: 2px 3px; border: 0px; }}
    QTableView::item:selected, QTreeView::item:selected {{ background: {colors.accent}; color: {colors.on_accent}; }}
    QHeaderView {{ background: {colors.raised}; }}
    QHeaderView::section {{
        background: {colors.raised}; color: {colors.faint}; border: 0px; padding: 4px 3px; font-size: {FONT_PT}pt;
    }}
    QHeaderView::up-arrow, QHeaderView::down-arrow {{ subcontrol-position: center left; width: 8px; }}
    QToolTip {{ font-size: {FONT_PT}pt; }}
    """
