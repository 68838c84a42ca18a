"""Ways of looking at findings: thresholds, selection, what is seen. None of it is in the history, and none is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..training.findings import Finding, Findings
from ..training.inference.agreement import Agreement, agreement
from .events import SessionEvents
from .review import passes
from .same_findings import partners
from .thresholds import Thresholds


class Looking:
    """What is seen of findings, and which of them are selected; `Session` changes the findings."""

    def __init__(self) -> None:
        self.events = SessionEvents()
        self._findings = Findings()
        self._thresholds = Thresholds()
        self._selection: tuple[str, ...] = ()
        self._overlays_shown = True
        self._visible: tuple[Finding, ...] | None = None
        self._agreement: Mapping[str, Agreement] | None = None
        self._partners: Mapping[str, str] | None = None

    @property
    def thresholds(self) -> Thresholds:
        """What is shown."""
        return self._thresholds

    @property
    def selected(self) -> str | None:
        """Id of the selected finding, of several the last; it may be hidden by the thresholds."""
        return self._selection[-1] if self._selection else None

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of all selected findings, `selected` at the end."""
        return self._selection

    @property
    def visible(self) -> tuple[Finding, ...]:
        """The findings that pass the thresholds, in list order.

        What a person drew, edited or accepted always passes; what was rejected stays (views draw it grey).
        """
        if self._visible is None:
            self._visible = tuple(f for f in self._findings if passes(f, self._thresholds))
        return self._visible

    @property
    def agreement(self) -> Mapping[str, Agreement]:
        """Which of the visible boxes two networks agree on, by id; empty where fewer than two looked."""
        if self._agreement is None:
            self._agreement = agreement(self._findings, {f.id for f in self.visible})
        return self._agreement

    @property
    def partners(self) -> Mapping[str, str]:
        """By id the box by which another network marks the same lesion; see `same_findings.partners`."""
        if self._partners is None:
            self._partners = partners(self._findings, {f.id for f in self.visible})
        return self._partners

    @property
    def overlays_shown(self) -> bool:
        """Whether anything at all is drawn over the image."""
        return self._overlays_shown

    def set_thresholds(self, **changes: float | None) -> None:
        """Change `score`, `diameter`, `malignancy` or `image` of the thresholds."""
        thresholds = replace(self._thresholds, **changes)  # type: ignore[arg-type]
        if thresholds != self._thresholds:
            self._thresholds = thresholds
            self._forget_views()
            self.events.thresholds.emit(thresholds)

    def select(self, id: str | None) -> None:
        """Select a finding alone, or nothing. An unknown id is a KeyError."""
        self.select_all(() if id is None else (id,))

    def select_all(self, ids: Iterable[str]) -> None:
        """Select several findings; the last of them is `selected`. An unknown id is a KeyError."""
        selection = tuple(dict.fromkeys(ids))
        for id in selection:
            self._findings[id]
        if selection == self._selection:
            return
        before, self._selection = self.selected, selection
        if self.selected != before:
            self.events.selected.emit(self.selected)
        self.events.selection.emit(self._selection)

    def show_overlays(self, shown: bool) -> None:
        """Show or hide everything that is drawn over the image."""
        if shown != self._overlays_shown:
            self._overlays_shown = shown
            self.events.overlays.emit(shown)

    def _there(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those that there are."""
        there = {f.id for f in self._findings}
        return tuple(id for id in ids if id in there)

    def _forget_views(self) -> None:
        self._visible = self._agreement = self._partners = None
