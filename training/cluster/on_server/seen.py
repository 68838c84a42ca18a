"""Which places on servers were seen to their end, by what their servers say of the files: these are not fetched again.

It is a shortcut only. Where a server says nothing, or a file has another date, the place is fetched, and its studies are known by
their bytes, as those of this machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ...findings.formats.atomic import write_atomically
from ...storage.address import Address, address_of, is_remote
from ...storage.files import get, is_there
from ..content import engine_of
from ..task import ALREADY, DONE, FAILED, Options, Outcome

SEEN = "seen"


def mark_of(states: Sequence[tuple[str, str]], options: Options) -> str:
    """Compute what tells files, with these networks, this version and engine, from others; empty where the server does not say.

    On S3 a moved file is the same, by the sum of its bytes; elsewhere its address, size and date count.

    Parameters
    ----------
    states
        Of each file its name, and what `Entry` has as its state.
    options
        Of the run.
    """
    if not states or not all(state for _, state in states):
        return ""
    networks = [(info.name, info.version, sha) for info, sha in options.networks]
    values = (sorted(states), sorted(networks), options.models, options.version, *engine_of(options))
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def remember(place: Address, mark: str, outcomes: Sequence[Outcome], out: Path) -> None:
    """Keep what came of a place, unless some of it failed: that is tried again.

    Raises
    ------
    SaveError
        It could not be written.
    """
    if not mark or any(outcome.status == FAILED for outcome in outcomes):
        return
    studies = [
        {
            "label": one.label,
            "status": one.status,
            "sentence": one.sentence,
            "key": one.key,
            "file": one.file,
            "path": one.row.get("path", ""),
        }
        for one in outcomes
    ]
    path = _file(out, mark)
    if not is_remote(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"place": place.shown, "studies": studies}, indent=1)
    write_atomically(path, text.encode("utf-8"))


def recall(place: Address, mark: str, out: Path) -> tuple[Outcome, ...] | None:
    """Give what came of a place that was seen to its end; None where it was not, or findings have gone since."""
    path = _file(out, mark)
    if not mark or not is_there(path):
        return None
    try:
        address = address_of(path)
        held = json.loads(path.read_bytes() if address is None else get(address))
        outcomes = tuple(_outcome(study, held["place"], place.shown) for study in held["studies"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a power cut's
        return None
    there = all(is_there(out / outcome.file) for outcome in outcomes if outcome.file)
    return outcomes if there else None


def _outcome(study: dict[str, str], was: str, now: str) -> Outcome:
    """With the words of where the place is today."""
    label, sentence, path = (study[name].replace(was, now) for name in ("label", "sentence", "path"))
    status = ALREADY if study["status"] == DONE else study["status"]
    return Outcome(label, status, sentence, study["key"], study["file"], {"path": path})


def _file(out: Path, mark: str) -> Path:
    return out / SEEN / mark[:2] / f"{mark}.json"
