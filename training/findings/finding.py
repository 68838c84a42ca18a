"""The result contract: findings, immutable and in world coordinates."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..imaging.radiograph.orientation import Orientation
from ..storage.address import lasting
from .change import Change
from .geometry import Box, Geometry, Mask, Sphere
from .measurements.measurement import Measurement

if TYPE_CHECKING:
    from ..imaging.image import Image

SCHEMA_VERSION = 5
ATTRIBUTES = (
    "subtlety",
    "internalStructure",
    "calcification",
    "sphericity",
    "margin",
    "lobulation",
    "spiculation",
    "texture",
)
"""The eight LIDC attributes by their LIDC names, on the LIDC scales (1–5; internalStructure 1–4, calcification 1–6)."""

MALIGNANCY = "malignancy"
"""The readers' ninth rating, 1 (highly unlikely) to 5 (highly suspicious), beside the attributes in `Finding.votes`."""
VOTES_MISS = 0.01
"""So far from 1 may the probabilities of a scale's categories add up, as tables round them."""

Status = Literal["unreviewed", "accepted", "rejected"]
REASONS = ("vessel", "scar", "bone", "artefact", "lymph node", "normal structure")
"""Why a finding is no nodule, in the words that are offered."""
Kind = Literal["sphere", "box", "mask"]


@dataclass(frozen=True)
class Provenance:
    """Who says so: a model with the version of its weights, or a person (`model` empty)."""

    model: str = ""
    version: str = ""
    person: str = ""

    @property
    def label(self) -> str:
        """What a table shows: ``ag3d 0.1`` or the person's name."""
        return f"{self.model} {self.version}".strip() if self.model else (self.person or "person")


@dataclass(frozen=True)
class Opinion:
    """What one network says about one nodule, with what lies behind it.

    Parameters
    ----------
    model, version
        Which weights.
    malignancy
        Calibrated probability 0–1.
    std
        Standard deviation of `view_scores`: how far slices or views disagree.
    view_scores, view_names
        Probability of each slice or view the network looked at (mean of the fold models), and its name:
        ``"−3 mm"`` for a slice that far below the centre, ``"axial"`` … for a view.
    fold_scores
        Probability by each fold model that took part. A model that was trained on this series does not.
    attributes, attribute_spread
        The LIDC attributes on the LIDC scales and the standard deviation over slices, where the network rates them.
    notes
        Sentences for the person: padded at the edge of the scan, outside the range of sizes that it was trained on.
    """

    model: str
    version: str
    malignancy: float
    std: float = 0.0
    view_scores: tuple[float, ...] = ()
    view_names: tuple[str, ...] = ()
    fold_scores: tuple[float, ...] = ()
    attributes: Mapping[str, float] = field(default_factory=dict)
    attribute_spread: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("view_scores", "fold_scores"):
            object.__setattr__(self, name, tuple(float(p) for p in getattr(self, name)))
        if not all(0 <= p <= 1 for p in (self.malignancy, *self.view_scores, *self.fold_scores)):
            raise ValueError(
                f"probabilities lie between 0 and 1, not {self.malignancy}, {self.view_scores}, {self.fold_scores}"
            )
        if len(self.view_scores) != len(self.view_names):
            raise ValueError(f"{len(self.view_scores)} parts need as many places, not {len(self.view_names)}")
        if not self.std >= 0:
            raise ValueError(f"a spread is not negative: {self.std}")


def new_id() -> str:
    """A fresh identifier of a finding."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class Finding:
    """One thing found in an image.

    Parameters
    ----------
    geometry
        Sphere, box or mask in world coordinates (mm; pixels where the image has no spacing).
    score
        Confidence 0–1 that it is a nodule; 1 for what a person drew, who gave none (see `network_score`).
    malignancy
        Probability 0–1, fused from the opinions, or None where no network characterised it.
    malignancy_spread
        Standard deviation of that probability over what the networks looked at (slices, views), or None.
    attributes
        The eight LIDC attributes by name, on the LIDC scales, or empty.
    opinions
        What each characterising network says, at most one of each model.
    scores
        The parts of `score` by name (``rpn``, ``fprn`` …), for the curious.
    members
        The spheres that a detector joined to this one lesion, or empty: a large lesion is often marked in several places.
    provenance, status, note, id
        Who found it, what the reviewer decided, free text, and a stable identifier.
    number
        Its number in the image, from 1, by which people name it; 0 while it has none. It stays when networks run again.
    tracking_uid
        The DICOM identifier (Tracking UID) under which it came from a DICOM file, or empty: exports then make one of its `id`.
    reason
        Why a person decided as `status` says: one of `REASONS`, or other words; empty where nobody said.
    confidence
        How sure that person is, 0–1, or None.
    label
        What it is in a person's words (``part-solid``), or empty.
    votes
        What readers would say, as networks expect it: by name (the attributes and `MALIGNANCY`) the probability of each category
        of the LIDC scale, from 1 on; empty where networks say nothing.
    unlike
        Probability 0–1 that it is no nodule at all but something that a detector marks wrongly (a vessel, a vertebra), by what
        characterising networks say of it; None where they said nothing. Malignancy, attributes and votes hold for a nodule only.
    history
        Who gave it which value, and when, the oldest first. Two findings are equal whatever their histories.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> finding = lm.Finding(lm.Sphere((-190.5, 12.0, 60.0), 8.0), score=0.9)
    >>> finding.kind, finding.status, finding.with_(status="accepted").id == finding.id
    ('sphere', 'unreviewed', True)
    """

    geometry: Geometry
    score: float = 1.0
    malignancy: float | None = None
    malignancy_spread: float | None = None
    attributes: Mapping[str, float] = field(default_factory=dict)
    opinions: tuple[Opinion, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    members: tuple[Sphere, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    status: Status = "unreviewed"
    note: str = ""
    id: str = field(default_factory=new_id)
    number: int = 0
    tracking_uid: str = ""
    reason: str = ""
    confidence: float | None = None
    label: str = ""
    votes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unlike: float | None = None
    history: tuple[Change, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score lies between 0 and 1, not {self.score}")
        if self.malignancy is not None and not 0 <= self.malignancy <= 1:
            raise ValueError(f"malignancy lies between 0 and 1, not {self.malignancy}")
        if self.malignancy_spread is not None and not self.malignancy_spread >= 0:
            raise ValueError(f"a spread is not negative: {self.malignancy_spread}")
        if self.status not in ("unreviewed", "accepted", "rejected"):
            raise ValueError(f"unknown status {self.status!r}")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence lies between 0 and 1, not {self.confidence}")
        if self.unlike is not None and not 0 <= self.unlike <= 1:
            raise ValueError(f"a probability lies between 0 and 1, not {self.unlike}")
        for name, shares in self.votes.items():
            if not shares or min(shares) < 0 or abs(sum(shares) - 1) > VOTES_MISS:
                raise ValueError(f"votes on {name} are probabilities that add up to 1, not {shares}")
        object.__setattr__(self, "history", tuple(self.history))

    def opinion(self, model: str) -> Opinion | None:
        """The opinion of a network, or None where it gave none."""
        return next((o for o in self.opinions if o.model == model), None)

    @property
    def network_score(self) -> float | None:
        """The score that a network gave; None for what a person drew: `score` is then 1, and nobody's opinion."""
        return self.score if self.provenance.model or self.score < 1 else None

    @property
    def is_touched(self) -> bool:
        """Whether a named person drew, moved, judged or described it: a run and other files leave it alone."""
        said = self.reason or self.label or self.note or self.provenance.person
        return bool(said) or self.status != "unreviewed" or self.confidence is not None

    @property
    def kind(self) -> Kind:
        """``"sphere"``, ``"box"`` or ``"mask"``."""
        if isinstance(self.geometry, Sphere):
            return "sphere"
        return "box" if isinstance(self.geometry, Box) else "mask"

    @property
    def center(self) -> tuple[float, ...]:
        """World position of the middle, (z, y, x) or (y, x)."""
        return self.geometry.center

    @property
    def diameter(self) -> float:
        """Size in mm (pixels where the image has no spacing)."""
        return self.geometry.diameter

    @property
    def box(self) -> Box | None:
        """The rectangle of a planar finding: its own, or the one around its mask. None for spheres and volumes."""
        if isinstance(self.geometry, Mask):
            return self.geometry.box if len(self.geometry.shape) == 2 else None
        return self.geometry if isinstance(self.geometry, Box) else None

    def with_(self, **changes: Any) -> Finding:
        """A copy with some fields changed; the id stays."""
        return replace(self, **changes)


@dataclass(frozen=True)
class ImageScore:
    """What a network says of an image as a whole: the probability 0–1 that it shows a nodule (DHN's global head).

    `threshold` is the one that the network's card proposes for this probability.
    """

    model: str
    version: str
    probability: float
    threshold: float = 0.5

    def __post_init__(self) -> None:
        for name in ("probability", "threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} lies between 0 and 1, not {getattr(self, name)}")


@dataclass(frozen=True)
class Region:
    """Anatomy that a network or a person outlined: no finding, nothing to accept or reject.

    `name` is one of ``"right lung"``, ``"left lung"``, ``"lungs"`` (both, where the sides are not told apart), or a further
    one that a network names (``"pleural effusion"``). Right is the patient's right, on the left of a frontal radiograph.
    """

    name: str
    mask: Mask
    provenance: Provenance = field(default_factory=Provenance)


@dataclass(frozen=True)
class ImageReference:
    """Which image the findings belong to, and in which units they are written."""

    series_uid: str = ""
    source: str = ""
    modality: str = ""
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] = ()
    units: str = "mm"

    @classmethod
    def of(cls, image: Image) -> ImageReference:
        """How findings name an image that they belong to."""
        return cls(
            series_uid=image.series_uid,
            source=lasting(image.source) if image.source else "",
            modality=image.modality,
            shape=tuple(image.shape),
            spacing=image.spacing,
            origin=image.origin,
            units=image.units,
        )


@dataclass(frozen=True)
class Findings:
    """An ordered, immutable collection of findings on one image.

    Parameters
    ----------
    items
        The findings; models list them by descending score.
    image
        What they were found in.
    models
        One entry for each model that took part: name, version, sha256 (plain JSON values).
    image_scores
        What networks say of the image as a whole, at most one of each model.
    regions
        Lungs and other anatomy, at most one of each name.
    orientation
        How a radiograph is turned to be looked at, by a person and by networks; None where nobody has decided yet. What is found
        lies where it is in the file, whatever the orientation is.
    notes
        Sentences that a run had for the person (it was turned, memory ran out), and that go with its findings.
    measurements
        What a person measured on the image.
    done_by
        The person who said that the image is read; empty until then.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> findings = lm.Findings([lm.Finding(lm.Sphere((-190.5, 12.0, 60.0), 8.0), score=0.9, id="a")])
    >>> len(findings), findings["a"] is findings[0]
    (1, True)
    """

    items: tuple[Finding, ...] = ()
    image: ImageReference = field(default_factory=ImageReference)
    models: tuple[Mapping[str, Any], ...] = ()
    image_scores: tuple[ImageScore, ...] = ()
    regions: tuple[Region, ...] = ()
    orientation: Orientation | None = None
    notes: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    done_by: str = ""

    def __post_init__(self) -> None:
        for name in ("items", "image_scores", "regions", "notes", "measurements"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len({s.model for s in self.image_scores}) != len(self.image_scores):
            raise ValueError("a network scores an image once")
        if len({r.name for r in self.regions}) != len(self.regions):
            raise ValueError("two regions share a name")
        ids = [f.id for f in self.items]
        if len(set(ids)) != len(ids):
            raise ValueError("two findings share an id")
        if len({m.id for m in self.measurements}) != len(self.measurements):
            raise ValueError("two measurements share an id")

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __getitem__(self, key: int | str) -> Finding:
        """By position or by id."""
        if isinstance(key, str):
            for finding in self.items:
                if finding.id == key:
                    return finding
            raise KeyError(key)
        return self.items[key]

    def region(self, name: str) -> Region | None:
        """The region of that name, if there is one."""
        return next((r for r in self.regions if r.name == name), None)

    def with_items(self, items: tuple[Finding, ...]) -> Findings:
        """The same image and models with other findings."""
        return replace(self, items=tuple(items))
