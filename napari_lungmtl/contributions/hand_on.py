"""Commands of the menu *File → IO Utilities*: export and import of findings, with or without the dock open."""

from __future__ import annotations

import napari

from ..panel.dock import LungNodulesDock


def export_findings(viewer: napari.Viewer) -> None:
    """Open the dialog that exports the findings of the image under review."""
    dock_of(viewer).hand_on.export.open()


def import_findings(viewer: napari.Viewer) -> None:
    """Open the dialog that imports findings of the image under review."""
    dock_of(viewer).hand_on.import_.open()


def dock_of(viewer: napari.Viewer) -> LungNodulesDock:
    """The dock of a window; it is opened where it is not."""
    window = getattr(viewer, "__wrapped__", viewer).window
    for widget in window.dock_widgets.values():
        if isinstance(widget, LungNodulesDock):
            return widget
    _, dock = window.add_plugin_dock_widget("napari-lungmtl", "Lung nodules")
    return dock
