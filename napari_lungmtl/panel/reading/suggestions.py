"""What networks found in a case before a study began: all that a reader is shown, and nothing of what other people did to it."""

from __future__ import annotations

from dataclasses import replace

from ...session.review import is_by_person
from ...session.sidecar import Sidecar, load
from ...training.findings import Findings
from ...training.findings.truth import TRUTH
from ...training.imaging.image import Image


def suggestions_of(image: Image) -> Findings:
    """Take the networks' findings out of what is saved with an image, as if nobody had looked at them yet.

    Who accepted, rejected, moved or noted something before must not help the next reader; what a person drew or moved is left out.
    """
    stored, _ = load(Sidecar(image))
    items = tuple(
        f.with_(status="unreviewed", note="", number=0)
        for f in stored
        if not is_by_person(f) and f.provenance.model != TRUTH.model
    )
    regions = tuple(r for r in stored.regions if r.provenance.model and not r.provenance.person)
    return replace(
        stored, items=items, regions=regions, orientation=None, measurements=(), done_by="", notes=()
    )
