"""One value that a finding was given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One value of a finding, by whom, and when.

    Parameters
    ----------
    what
        Name of the value: ``status``, ``reason``, ``confidence``, ``label``, ``note``, ``place``, ``diameter``, ``shape``,
        ``repaint`` (a mask that was one before), ``outline`` (a shape that a network drew), ``malignancy``; ``axes`` where it was
        moved away from those that a person had measured; ``drawn`` or ``found`` for the first one, ``found`` also where a later run
        found it elsewhere.
    value
        The new value as text, places as ``z, y, x`` in mm (pixels where the image has no spacing); empty where it was taken away.
    by
        A person's name, or the network with the version of its weights (``mtmr 0.3``).
    at
        Local time with its offset from UTC, ISO 8601, to the second.
    """

    what: str
    value: str
    by: str
    at: str
