"""The end of a process whose window nobody closed: a script that came to its last line, ``sys.exit`` in the console."""

from __future__ import annotations

import napari
from qtpy.QtCore import QCoreApplication, QEvent


def close_windows() -> None:
    """Close napari's windows while Python still works.

    What is open then PyQt deletes one by one, in no order, while it walks over the list of all there is: it crashes when one of
    them takes others with it (``cleanup_on_exit``, seen in a core dump of PyQt 6).
    """
    if QCoreApplication.instance() is None:
        return
    napari.Viewer.close_all()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
