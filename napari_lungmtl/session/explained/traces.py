"""The reasons of the last runs on the open images: in memory only, and bounded."""

from __future__ import annotations

from dataclasses import dataclass

from ...training.explain.answer import Trace
from ...training.inference import registry
from ..session import Session

BYTES = 600_000_000
"""Memory of all traces: those of two or three large CTs."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A trace of a session's image."""

    session: Session
    trace: Trace


class Traces:
    """Keeps one trace for each open image and network; beyond `limit` bytes those that were made or asked longest ago go."""

    def __init__(self, limit: int = BYTES) -> None:
        self._limit = limit
        self._kept: list[Kept] = []

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Memory that all hold."""
        return sum(kept.trace.nbytes for kept in self._kept)

    def keep(self, session: Session, trace: Trace) -> None:
        """Keep a trace in the place of a former one of the same network."""
        self._kept = [k for k in self._kept if k.session is not session or k.trace.model != trace.model]
        self._kept.append(Kept(session, trace))
        while len(self._kept) > 1 and self.nbytes > self._limit:
            self._kept.pop(0)

    def forget(self, session: Session) -> None:
        """Let go of an image's traces."""
        self._kept = [k for k in self._kept if k.session is not session]

    def of(self, session: Session) -> tuple[Trace, ...]:
        """The traces of an image by the present weights, in the order in which the networks ran."""
        own = [k for k in self._kept if k.session is session and _is_present(k.trace)]
        self._kept = [*(k for k in self._kept if k not in own), *own]
        return tuple(k.trace for k in own)


def _is_present(trace: Trace) -> bool:
    """Whether a trace is of the weights in use, which its version names; others may have been chosen while its run went on."""
    in_use = {info.name: info.version for info in registry.models()}
    return in_use.get(trace.model, trace.version) == trace.version
