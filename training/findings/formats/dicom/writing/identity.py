"""Who made an object, and by which identifiers a nodule is the same one in every file."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ....finding import Finding, Findings

NAME = "napari-lungmtl"
_TRACKED = re.compile(r"Nodule (\d+) \[(.+)\]", re.DOTALL)
_SHA_DIGITS = 12
_LONGEST = 64
"""Letters of a name in DICOM (LO), in which a backslash would begin another one."""


def software_version() -> str:
    """The version of this program."""
    try:
        return version(NAME)
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0"


def equipment(series_number: int) -> dict[str, Any]:
    """What every new object says of itself and of the program: a series and an instance of its own.

    Parameters
    ----------
    series_number
        Number of the new series.
    """
    import highdicom

    return {
        "series_instance_uid": highdicom.UID(),
        "series_number": series_number,
        "sop_instance_uid": highdicom.UID(),
        "instance_number": 1,
        "manufacturer": NAME,
    }


def device() -> dict[str, Any]:
    """The program as a device, where an object asks for it."""
    return {
        "manufacturer_model_name": NAME,
        "software_versions": software_version(),
        "device_serial_number": software_version(),
    }


def tracking_uid(finding: Finding, series_uid: str) -> str:
    """The unique identifier by which a nodule is tracked: the one that it came with, or one made of its id (PS3.5 B.2).

    It is the same in every file and at every export, as the finding's id is.
    """
    return finding.tracking_uid or f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{series_uid}/{finding.id}').int}"


def tracking_id(finding: Finding, number: int) -> str:
    """The identifier for people, ``Nodule 3 [a1b2c3d4e5f6]``: its number and its id."""
    return f"Nodule {number} [{finding.id}]"


def tracked(identifier: str) -> tuple[int, str] | None:
    """Number and id in an identifier of `tracking_id`; None for those of other programs."""
    found = _TRACKED.fullmatch(identifier)
    return (int(found[1]), found[2]) if found else None


def numbers_of(findings: Findings) -> dict[str, int]:
    """The number of each finding by its id: its own, or the next free one."""
    taken = {f.number for f in findings if f.number}
    free = (n for n in range(1, len(findings) + len(taken) + 1) if n not in taken)
    return {f.id: f.number or next(free) for f in findings}


def algorithm(finding: Finding, models: tuple[Mapping[str, Any], ...]) -> tuple[str, str]:
    """Name and version of the network that found it; the version with the first digits of the weights' SHA-256.

    Networks of another make are called as their files say, at any length: as much of it stays as DICOM has room for.
    """
    name, release = finding.provenance.model, finding.provenance.version
    sha = next((str(m.get("sha256", "")) for m in models if m.get("name") == name), "")
    weights = f"sha256:{sha[:_SHA_DIGITS]}" if sha else ""
    said = f"{_long_string(release, _LONGEST - len(weights) - 1)} {weights}".strip()
    return _long_string(name) or "unknown", said or "unknown"


def _long_string(text: str, most: int = _LONGEST) -> str:
    return " ".join(text.replace("\\", "/").split())[:most].strip()


def person_name(name: str) -> str:
    """A name as DICOM has them (PN): without its delimiters, the family name alone."""
    return " ".join(re.sub(r"[\\^=]", " ", name).split())[:60] + "^"
