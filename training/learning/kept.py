"""What a learning run has worked out, kept in its folder: one that was stopped goes on where it stood."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from ..findings.formats.atomic import write_atomically
from .candidates import Candidates, Outcome, load_candidates


class Kept:
    """Files below a run's folder, named by what they follow from: other weights or other verdicts have other names.

    Parameters
    ----------
    folder
        Of the run; ``kept`` in it is made.
    weights
        SHA-256 of the weights that were learnt from.
    """

    def __init__(self, folder: Path, weights: str) -> None:
        self._folder, self._weights = folder / "kept", weights
        self._folder.mkdir(parents=True, exist_ok=True)

    def candidates(self, key: str, make: Callable[[], Candidates]) -> Candidates:
        """Return the candidates of a study, made once."""
        path = self._folder / f"{self._name(self._weights, key)}.npz"
        known = load_candidates(path)
        if known is None:
            known = make()
            known.save(path)
        return known

    def outcome(self, weights: str, key: str, make: Callable[[], Outcome]) -> Outcome:
        """Return what weights, by their SHA-256, make of an image, measured once."""
        path = self._folder / f"{self._name(weights, key)}.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return Outcome(values["lesions"], {name: tuple(v) for name, v in values["false"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            known = make()
        values = {"lesions": dict(known.lesions), "false": {n: list(v) for n, v in known.false.items()}}
        write_atomically(path, json.dumps(values).encode())
        return known

    @staticmethod
    def _name(*parts: str) -> str:
        return hashlib.blake2b("|".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
