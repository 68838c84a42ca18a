"""How networks look at an image: a radiograph that lies on its side is turned for them, and what they find is turned back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..explain.turned import TurnedTrace
from ..findings import Findings
from ..findings.models import doubted, oriented
from ..findings.turned import findings_as_stored
from ..imaging.image import Image
from ..imaging.radiograph.orientation import AS_STORED, Orientation, WorldMap, turn
from ..imaging.radiograph.upright import right_turn, suspicion, with_dark_air
from .predictor import HeatMap, Progress


@dataclass(frozen=True, eq=False)
class View:
    """An image as networks see it.

    Parameters
    ----------
    stored, turned
        As its file holds it, and as networks see it: the same for a CT.
    orientation
        How the person looks at it; None for a CT.
    seen
        What leads from the stored image to the turned one: a person's negative has dark air for networks.
    note
        What the person is to know of it, or empty.
    doubt
        Why what networks say of it does not count, or empty.
    """

    stored: Image
    turned: Image
    orientation: Orientation | None = None
    seen: Orientation = AS_STORED
    note: str = ""
    doubt: str = ""

    @classmethod
    def of(cls, image: Image, orientation: Orientation | None = None) -> View:
        """Look at an image in an orientation; None turns and inverts a radiograph where it certainly lies or is a negative."""
        if image.ndim != 2:
            return cls(image, image)
        chosen = right_turn(image) if orientation is None else orientation
        seen = with_dark_air(image, chosen)
        name = image.source.name if image.source is not None else image.series_uid or "the image"
        seems = suspicion(image, seen)
        said = []
        if orientation is None and chosen != AS_STORED:
            said.append(f"{name} is not stored upright with dark air: it was {chosen.words}.")
        if seems is not None:
            said.append(f"{name} {seems.words}")
        doubt = said[-1] if seems is not None and seems.voids else ""
        return cls(image, turn(image, seen), chosen, seen, " ".join(said), doubt)

    def as_stored(self, findings: Findings) -> Findings:
        """Bring what was found on the turned image to the stored one."""
        if self.orientation is None:
            return findings
        if self.seen != AS_STORED:
            findings = findings_as_stored(findings, self.stored, self.seen)
        return replace(findings, orientation=self.orientation, models=oriented(findings.models, self.seen))

    def traced(self, step: Progress) -> Progress:
        """Let a step's trace, if it has one, be asked in the stored image's world."""
        if step.trace is None or self.seen == AS_STORED:
            return step
        return replace(step, trace=TurnedTrace(step.trace, WorldMap.of(self.stored, self.seen)))

    def doubted(self, findings: Findings) -> Findings:
        """Say in the findings why they do not count, if so."""
        return replace(findings, models=doubted(findings.models, self.doubt)) if self.doubt else findings


def heat_map_as_stored(heat_map: HeatMap, stored: Image, orientation: Orientation) -> HeatMap:
    """Bring a heat map of a turned radiograph to the stored one."""
    if orientation == AS_STORED:
        return heat_map
    world = WorldMap.of(stored, orientation)
    values, spacing, origin = world.grid_to_stored(heat_map.values, heat_map.spacing, heat_map.origin)
    return replace(heat_map, values=values, spacing=spacing, origin=origin)
