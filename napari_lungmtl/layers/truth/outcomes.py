"""Misses, false alarms and marks on excluded findings, each with a shape and a colour of its own, live with the thresholds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer, Points

from ...session.session import Session
from ...session.truth import TruthReview
from ...training.comparison.outcomes import Outcome
from ..follower import coalesced, insert_layer
from ..overlay_colors import EXCLUDED, FALSE_ALARM, MISS, rgba
from ..spheres.layer import SphereBinding
from ..spheres.layer_data import CANVAS_LIMITS
from ..spheres.rows import SCALE
from .layer import outlines_layer, truth_layer

NAME = "hits and misses"
OUTCOMES = "lungmtl_outcomes"
"""Key of the layer's metadata: by it the layer is known as ours, and its units agree with those of the others."""
LOOKS = {
    Outcome.MISS: ("diamond", MISS, 1.6, False),
    Outcome.FALSE_ALARM: ("x", FALSE_ALARM, 0.5, True),
    Outcome.EXCLUDED: ("triangle_up", EXCLUDED, 0.5, True),
}
"""Symbol, colour, size as a part of the finding's diameter, and whether it is filled. What is hit keeps its square alone."""
LEAST = 5.0
"""Smallest symbol, in mm: a smaller one cannot be told from another in a whole slice."""
BORDER = 0.06
PACE_MS = 50
"""Milliseconds between two drawings while a threshold is dragged; one of two hundred marks takes about ten."""


class TruthLayers:
    """Draws the truth of one image: its squares or corners, outlines, and on top what was missed and what is a false alarm.

    `layers` are those that are shown and hidden with the image; `companions` has the truth's own, for views beside the canvas.

    Parameters
    ----------
    viewer
        A viewer, or a bare ``ViewerModel``.
    session, review
        Of the image.
    spheres
        The drawing of findings, which must not cover the truth.
    """

    def __init__(
        self, viewer: ViewerModel, session: Session, review: TruthReview, spheres: SphereBinding
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._review = review
        self._current = True
        self.layers: list[Layer] = []
        self.companions: list[Layer] = []
        self._spheres = spheres
        self._marks: Points | None = None
        self._rendered: list[tuple[Outcome, tuple[float, ...]]] = []
        self._later = coalesced(self._draw, PACE_MS)
        review.events.truth.connect(self._renew)
        review.events.outcomes.connect(self._draw_soon)

    def set_current(self, current: bool) -> None:
        """Show the layers, or hide them while another image is reviewed."""
        self._current = current
        for layer in self.layers:
            if layer.visible != current:
                layer.visible = current

    def close(self) -> None:
        """Stop following, and take the layers out."""
        self._review.events.truth.disconnect(self._renew)
        self._review.events.outcomes.disconnect(self._draw_soon)
        self._take_out()

    def _draw_soon(self) -> None:
        """Draw at most every `PACE_MS`: counts and table are live, and a slider that is dragged does not wait for the marks."""
        if not self._later.isActive():
            self._later.start()

    def _take_out(self) -> None:
        self._later.stop()
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self.layers, self._marks = [], None
        self.companions.clear()

    def _renew(self) -> None:
        """Another truth, or none."""
        self._take_out()
        truth, image = self._review.truth, self._session.image
        if truth is None or image is None:
            return
        self._rendered = []
        shown, _ = truth_layer(truth)
        flat = image.ndim == 2
        self._marks = Points(
            None,
            ndim=image.ndim,
            name=NAME,
            scale=(1.0 if flat else SCALE,) * image.ndim,
            units=(image.units,) * image.ndim,
            projection_mode="none" if flat else "rescale_spherical",
            face_color="transparent",
            border_width=BORDER,
            canvas_size_limits=CANVAS_LIMITS,
            metadata={OUTCOMES: True},
        )
        outlines = outlines_layer(truth)
        self.layers = [layer for layer in (outlines, shown, self._marks) if layer is not None]
        self.companions.append(shown)
        self._spheres.keep_below(layers=self.layers)
        for layer in self.layers:
            layer.visible = self._current
            insert_layer(self._viewer.layers, layer)
        self._draw()

    def _draw(self) -> None:
        """Make the marks what the outcomes are; what is already right is left alone."""
        layer = self._marks
        if layer is None or layer not in self._viewer.layers:
            return
        rendered = list(self._outcomes())
        if rendered == self._rendered:
            return
        self._rendered = rendered
        unit = 1.0 if layer.ndim == 2 else SCALE
        looks = [LOOKS[kind] for kind, _ in rendered]
        with layer.events.blocker_all():  # each assignment would redraw the layer
            layer.selected_data.clear()
            layer.data = np.array([place[:-1] for _, place in rendered], float).reshape(-1, layer.ndim) / unit
            if rendered:
                layer.symbol = [symbol for symbol, *_ in looks]
                colors = np.array(
                    [rgba(color) for _, color, *_ in looks]
                )  # names would be looked up one by one
                layer.border_color = colors
                layer.face_color = colors * [(1, 1, 1, filled) for *_, filled in looks]
                layer.border_width = BORDER
                sizes = [
                    part * place[-1] for (_, _, part, _), (_, place) in zip(looks, rendered, strict=True)
                ]
                least = LEAST if self._session.findings.image.units == "mm" else 0.0
                layer.size = np.maximum(sizes, least) / unit
        layer.refresh(thumbnail=False)

    def _outcomes(self) -> Iterator[tuple[Outcome, tuple[float, ...]]]:
        """What is drawn: its kind, its centre and its diameter."""
        marks = self._review.outcomes.marks
        for finding in self._review.missed:
            yield Outcome.MISS, self._review.place(finding)
        for finding in self._session.visible:
            kind = marks.get(finding.id)
            if kind in (Outcome.FALSE_ALARM, Outcome.EXCLUDED):
                yield kind, self._review.place(finding)
