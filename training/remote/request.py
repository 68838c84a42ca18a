"""What leaves the machine that has the image: voxels and their geometry, and nothing that says whose they are.

Neither names, identifiers, dates, descriptions nor paths. Where messages name the image, a word takes the place of its name,
`Request.job`, and the name is put back where the image is. An identifier is sent only where the shipped networks were trained on
that public scan: then the models that never saw it answer. What burnt-in text says stays in the voxels.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..findings import Finding, Findings
from ..findings.formats.json_file import findings_of, to_document
from ..imaging.image import Image
from ..imaging.radiograph.orientation import Orientation
from ..inference import registry
from ..inference.predictor import ModelInfo, Progress
from .key_file import RemoteError

CHUNK = 1 << 22
"""Bytes of voxels in one piece, compressed a quarter to a half of it: a slow line has sent it before anybody gives up."""
MOST = 1 << 33
"""Bytes of an image that a server takes."""
_DTYPE = re.compile(r"[<|][iuf][1248]|\|b1")
_CODED = ("view_position", "patient_orientation")
_CODE = re.compile(r"[A-Z]{1,3}(\\[A-Z]{1,3})?")
_PERSON = "person"


@dataclass(frozen=True)
class Request:
    """A run on another machine, all of it but the voxels.

    Parameters
    ----------
    job
        A random word, by which the run is known on both sides and which names the image there.
    digest
        `digest_of` the image.
    networks
        Name and SHA-256 of the weights, in the order of work.
    dtype, shape, spacing, origin, modality, series, codes
        Of the image; what it is called only where it is a public scan (`known_series`).
    orientation
        How networks look at a radiograph; None leaves it to them.
    judges
        Whether the findings are to be judged, instead of looking for others.
    findings
        Those of a person, bare (`bare_findings`), as a JSON document.
    path, uid
        Where both machines see the image, and which series it is; empty where voxels are sent.
    """

    job: str
    digest: str
    networks: tuple[tuple[str, str], ...]
    dtype: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    origin: tuple[float, ...]
    modality: str = ""
    series: str = ""
    codes: Mapping[str, Any] = field(default_factory=dict)
    orientation: tuple[int, bool, bool] | None = None
    judges: bool = False
    findings: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    uid: str = ""

    @property
    def size(self) -> int:
        """Bytes of the voxels."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    @property
    def pieces(self) -> int:
        """In how many pieces they come."""
        return max(1, math.ceil(self.size / CHUNK))

    def check(self) -> None:
        """Refuse what no client of this version sends.

        Raises
        ------
        RemoteError
            The image is too large, or the request is damaged.
        """
        fine = (
            re.fullmatch(r"[0-9a-f]{32}", self.job)
            and _DTYPE.fullmatch(self.dtype)
            and len(self.shape) in (2, 3)
            and all(n > 0 for n in self.shape)
        )
        if not fine:
            raise RemoteError(
                "What was sent is no request of this version: install the same on both machines."
            )
        if self.size > MOST:
            raise RemoteError(
                f"The image has {self.size / 1e9:.1f} GB, and the machine takes {MOST / 1e9:.1f} GB: run it there from a file."
            )

    @property
    def looks(self) -> Orientation | None:
        """How networks look at a radiograph."""
        return None if self.orientation is None else Orientation(*self.orientation)

    def image(self, voxels: np.ndarray) -> Image:
        """Put the image together where the networks are."""
        return Image(
            voxels,
            self.modality,
            self.spacing,
            self.origin,
            self.series or self.job,
            metadata=dict(self.codes),
        )

    def given(self) -> Findings:
        """The findings that came with it.

        Raises
        ------
        FindingsFileError
            They are damaged.
        """
        return findings_of(dict(self.findings), Path("the request"))


def request_of(
    job: str,
    image: Image,
    digest: str,
    infos: Sequence[ModelInfo],
    *,
    findings: Findings,
    judges: bool = False,
    orientation: Orientation | None = None,
) -> Request:
    """Make a request of an image and of what is to be done with it, with nothing in it that says whose it is."""
    found = image.metadata.get("color_fraction")
    coded = {name: str(image.metadata.get(name, "")).strip().upper() for name in _CODED}
    codes: dict[str, Any] = {name: text for name, text in coded.items() if _CODE.fullmatch(text)}
    if isinstance(found, float):
        codes["color_fraction"] = found
    return Request(
        job=job,
        digest=digest,
        networks=tuple((info.name, registry.card_of(info).sha256) for info in infos),
        dtype=_stored(image.voxels).dtype.str,
        shape=tuple(image.shape),
        spacing=image.spacing,
        origin=image.origin,
        modality=image.modality,
        series=image.series_uid if known_series(image.series_uid) else "",
        codes=codes,
        orientation=None if orientation is None else astuple(orientation),
        judges=judges,
        findings=to_document(bare_findings(findings)),
    )


def to_values(request: Request) -> dict[str, Any]:
    """Plain values of a request, as they travel."""
    return asdict(request)


def known_series(uid: str) -> bool:
    """Whether shipped networks were trained on a series: it is public then, and answers depend on which one it is."""
    return any(
        uid in registry.card(info.name).training.get("folds", {})
        for info in registry.shipped(registry.models())
    )


def bare_findings(findings: Findings) -> Findings:
    """Findings as networks take them: places, sizes and what networks said, without a word of a person's."""
    return Findings(tuple(_bare(f) for f in findings))


def _bare(finding: Finding) -> Finding:
    said_by = finding.provenance
    return finding.with_(
        provenance=replace(said_by, person=_PERSON) if said_by.person else said_by,
        note="",
        tracking_uid="",
        reason="",
        confidence=None,
        label="",
        history=(),
    )


def clothed(finding: Finding, own: Finding) -> Finding:
    """Give what came back what a person had said of it."""
    said_by = own.provenance if finding.provenance == _bare(own).provenance else finding.provenance
    return finding.with_(
        provenance=said_by,
        note=own.note,
        tracking_uid=own.tracking_uid,
        reason=own.reason,
        confidence=own.confidence,
        label=own.label,
        history=own.history,
    )


def digest_of(image: Image) -> Generator[Progress, None, str]:
    """Compute what tells an image from every other: a hash of voxels and geometry."""
    voxels = _stored(image.voxels)
    place = (voxels.dtype.str, tuple(image.shape), image.spacing, image.origin, image.modality)
    state = hashlib.sha256(repr(place).encode())
    for piece in _pieces(voxels):
        state.update(piece.data)
        yield Progress(0.0, "preparing")
    return state.hexdigest()


def packed(image: Image) -> Iterator[bytes]:
    """Compress the voxels, piece by piece."""
    from numcodecs import Blosc

    voxels = _stored(image.voxels)
    codec = Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE)
    for piece in _pieces(voxels):
        yield codec.encode(piece.view(voxels.dtype))  # bits of numbers are shuffled, not those of bytes


def unpacked(request: Request, pieces: Sequence[bytes]) -> np.ndarray:
    """Put the voxels together again.

    Raises
    ------
    RemoteError
        The pieces are damaged, or not those of the request.
    """
    from numcodecs import Blosc

    voxels = np.empty(math.prod(request.shape), request.dtype)
    try:
        for piece, place in zip(pieces, _pieces(voxels), strict=True):
            Blosc().decode(piece, place)  # what is too short is told by the digest
    except (ValueError, RuntimeError) as error:
        raise RemoteError(f"The voxels were damaged on their way ({error}): run it again.") from error
    return voxels.reshape(request.shape)


def _stored(voxels: np.ndarray) -> np.ndarray:
    """The voxels in the order of C and the bytes of all usual processors."""
    return np.ascontiguousarray(voxels.astype(voxels.dtype.newbyteorder("<"), copy=False))


def _pieces(voxels: np.ndarray) -> Iterator[np.ndarray]:
    flat = voxels.reshape(-1).view(np.uint8)
    for start in range(0, max(flat.size, 1), CHUNK):
        yield flat[start : start + CHUNK]
