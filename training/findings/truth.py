"""What is true of an image: nodules to be found, what counts neither way, and what each reader said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .finding import Finding, Findings, Provenance
from .geometry import Sphere

TRUTH = Provenance(model="truth")
"""Who says so, where a file does not name a reader."""


@dataclass(frozen=True)
class Truth:
    """The truth of one image.

    Parameters
    ----------
    nodules
        What is to be found.
    excluded
        Findings on which a mark counts neither way.
    spheres
        By id the sphere by which a nodule is matched, where that is not the one of its geometry: LUNA16 takes the mean of the
        readers' centres and diameters, while the mask is what half of them outlined.
    readers
        What each reader said, by name; empty where the file has one voice.
    sized
        Whether the sizes of the nodules are known; where they are not, a mark hits by its centre.
    unreviewed
        What a network found and nobody has reviewed: it is no truth, and a mark on it is one like any other.
    problems
        Sentences for the person about lines and entries that could not be read, and nodules that lie outside of the image.
    source
        The file.
    """

    nodules: Findings
    excluded: tuple[Finding, ...] = ()
    spheres: Mapping[str, Sphere] = field(default_factory=dict)
    readers: Mapping[str, Findings] = field(default_factory=dict)
    sized: bool = True
    unreviewed: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    source: str = ""

    def sphere(self, finding: Finding) -> Sphere:
        """The sphere by which a finding of it is matched."""
        if finding.id in self.spheres:
            return self.spheres[finding.id]
        return sphere_of(finding)


def is_true(finding: Finding) -> bool:
    """Tell whether somebody stands for a finding: it was accepted, or a person drew it and did not reject it.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> found = lm.Finding(lm.Sphere((0, 0, 0), 8.0), provenance=Provenance("ag3d"))
    >>> is_true(found), is_true(found.with_(status="accepted"))
    (False, True)
    """
    return stands_for(finding.status, finding.provenance.model, finding.provenance.person)


def stands_for(status: str, model: str, person: str) -> bool:
    """Tell the same of the words of a table."""
    drawn = not model or model == TRUTH.model or bool(person)
    return status == "accepted" or (drawn and status != "rejected")


def sphere_of(finding: Finding) -> Sphere:
    """Make the sphere that stands for a finding in space: its own, or for a mask the one of its centre of mass and volume."""
    if isinstance(finding.geometry, Sphere):
        return finding.geometry
    z, y, x = finding.center
    return Sphere((z, y, x), finding.diameter)
