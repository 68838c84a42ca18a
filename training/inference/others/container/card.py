"""The card of a container: which image, how it is run, and what it writes. All of it is checked before any of it is used."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ....error_boundary import reads
from ...weights import ModelCard, WeightsError, read_card
from ..plain_values import check_detector, exact

ENGINES = ("docker", "podman")
FORMATS = (".json", ".dcm", ".csv")
_KEYS = {"engine", "image", "pinned", "workflow", "findings", "segments"}
# Neither may begin with a dash: it would be an option of the engine.
_IMAGE = re.compile(r"[A-Za-z0-9][\w./:-]{0,200}(@sha256:(?P<digest>[0-9a-f]{64}))?", re.ASCII)
_WORKFLOW = re.compile(r"[A-Za-z0-9][\w-]{0,60}", re.ASCII)
_PATTERN = re.compile(r"[\w*][\w.*/-]{0,200}", re.ASCII)


@dataclass(frozen=True)
class ContainerSettings:
    """How a container is run.

    Parameters
    ----------
    engine
        One of `ENGINES`.
    image
        ``name[:tag]``, or ``name@sha256:digest``.
    digest
        The 64 digits that pin it; empty where the card says that it is not pinned.
    workflow
        Of MHub: the name of one of the configurations in the image.
    findings
        Pattern of the one file in the output that holds nodules; its suffix, one of `FORMATS`, says how.
    segments
        Of a DICOM SEG: codes of property types, or labels, that are nodules, in lower case.
    """

    engine: str
    image: str
    digest: str
    workflow: str
    findings: str
    segments: frozenset[str]


@reads(WeightsError)
def read_container(path: Path) -> tuple[ModelCard, ContainerSettings]:
    """Read a card ``NAME.container.json``. Its version names its config by a hash; its `sha256` is the image's digest.

    Raises
    ------
    WeightsError
        It is none, or says something that is not run.
    """
    card = read_card(path)
    where = f"the card {path}"
    check_detector(card, where)
    if card.modalities != ("CT",):
        raise WeightsError(
            f"{where} has the modalities {', '.join(card.modalities)}: containers are run on CT."
        )
    settings = _settings(exact(card.config, _KEYS, where), where)
    hashed = hashlib.sha256(json.dumps(card.config, sort_keys=True).encode()).hexdigest()
    return replace(card, version=f"{card.version}+{hashed[:7]}", sha256=settings.digest), settings


def _settings(config: Any, where: str) -> ContainerSettings:
    def text(key: str, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = pattern.fullmatch(config[key]) if isinstance(config[key], str) else None
        if match is None:
            raise WeightsError(f"{where}: {key} is {str(config[key])[:80]!r}, which is no {what}.")
        return match

    if config["engine"] not in ENGINES:
        raise WeightsError(
            f"{where}: engine is {str(config['engine'])[:80]!r}: docker or podman is run here."
        )
    image = text("image", _IMAGE, "name of an image, such as mhubai/NAME@sha256:…")
    digest = image["digest"] or ""
    if config["pinned"] is not bool(digest):
        raise WeightsError(
            f"{where}: image {'names a' if digest else 'names no'} digest, and pinned is {str(config['pinned'])[:20]}. Tomorrow "
            'another image may bear the same name: write NAME@sha256:… and "pinned": true, or say "pinned": false.'
        )
    findings = text("findings", _PATTERN, "path in the output, such as */NAME.json")[0]
    if ".." in findings or any("**" in part and part != "**" for part in findings.split("/")):
        raise WeightsError(f"{where}: findings is {findings!r}, which is no path in the output.")
    if not findings.endswith(FORMATS):
        raise WeightsError(
            f"{where}: findings is {findings!r}: {', '.join(FORMATS)} in the output can be read."
        )
    segments = config["segments"]
    if not isinstance(segments, list) or not all(isinstance(s, str) and s for s in segments):
        raise WeightsError(f"{where}: segments is no list of codes or labels.")
    if bool(segments) is not findings.endswith(".dcm"):
        raise WeightsError(
            f"{where}: segments names those of a DICOM SEG that are nodules, and is [] with other files."
        )
    workflow = text("workflow", _WORKFLOW, "name of a workflow, such as default")[0]
    lower = frozenset(s.lower() for s in segments)
    return ContainerSettings(config["engine"], image[0], digest, workflow, findings, lower)
