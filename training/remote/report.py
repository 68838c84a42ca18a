"""What comes back from a run on another machine, in plain values: how far it is, what was found so far, how it ended."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..findings import Findings, ImageReference
from ..findings.formats.json_file import findings_of, to_document
from ..findings.models import join_models
from ..imaging.image import Image
from .request import Request, clothed

RECEIVING, WAITING, RUNNING, DONE, FAILED, UNSEEN, UNKNOWN = (
    "receiving",
    "waiting",
    "running",
    "done",
    "failed",
    "unseen",
    "unknown",
)
"""States of a job. `UNSEEN`: the machine does not see the image under its path; `UNKNOWN`: it has no such job (any more)."""
LARGEST = 1 << 28
"""Bytes of a document that is unpacked."""


@dataclass(frozen=True)
class Report:
    """Where a job stands.

    Parameters
    ----------
    state
        One of the words above.
    ahead
        How many jobs are before it.
    missing
        Pieces of the voxels that have not come.
    fraction, stage
        As of `Progress`.
    notes
        Those that the client has not heard yet.
    number
        Of `document`: it grows with each one.
    document
        Findings that the client does not have yet, packed, or nothing.
    digest
        Of the image that they were found in.
    sentence, kind
        Why it failed, and the name of the error's class.
    """

    state: str
    ahead: int = 0
    missing: tuple[int, ...] = ()
    fraction: float = 0.0
    stage: str = ""
    notes: tuple[str, ...] = ()
    number: int = 0
    document: bytes = b""
    digest: str = ""
    sentence: str = ""
    kind: str = ""


def packed_findings(findings: Findings) -> bytes:
    """Findings as compressed JSON."""
    return zlib.compress(json.dumps(to_document(findings)).encode("utf-8", "backslashreplace"), 1)


@dataclass(frozen=True)
class Addressee:
    """Puts what comes back to the image that it was found in, and to what a person had said of it before.

    Parameters
    ----------
    image
        The image.
    request
        What was sent of it.
    own
        A person's findings that went with it.
    """

    image: Image
    request: Request
    own: Findings

    @property
    def name(self) -> str:
        """What messages call the image here."""
        image = self.image
        source = image.source.name if image.source else ""
        return str(image.metadata.get("file_name") or source or image.series_uid or "the image")

    def text(self, words: str) -> str:
        """A sentence with the image's name."""
        return words.replace(self.request.job, self.name)

    def findings(self, document: bytes) -> Findings:
        """Findings on this image.

        Raises
        ------
        FindingsFileError, zlib.error
            The document is damaged.
        """
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(document, LARGEST).decode()
        escaped = json.dumps(self.name)[1:-1]
        found = findings_of(json.loads(text.replace(self.request.job, escaped)), Path("the answer"))
        known: Mapping[str, object] = {f.id: f for f in self.own}
        items = tuple(clothed(f, self.own[f.id]) if f.id in known else f for f in found)
        found = replace(found, items=items, image=ImageReference.of(self.image))
        if not self.request.judges:
            return found
        return replace(
            found,
            image=self.own.image,
            models=join_models(self.own.models, found.models),
            image_scores=self.own.image_scores,
            regions=self.own.regions,
            orientation=self.own.orientation,
            notes=tuple(dict.fromkeys((*self.own.notes, *found.notes))),
            measurements=self.own.measurements,
            done_by=self.own.done_by,
        )
