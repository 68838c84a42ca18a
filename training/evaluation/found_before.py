"""Findings that were written before, in the place of a network that finds them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from ..findings import Finding, Findings
from ..findings.formats.json_file import read_findings
from ..imaging.image import Image
from ..inference.predictor import DETECTOR, ModelInfo, PredictorError
from ..inference.radiograph_answer import OWN
from ..inference.registry import info_of
from ..inference.weights import ModelCard

Case = tuple[Path, Sequence[str]]
"""A file or folder, and what its series may be called."""


class Results(Protocol):
    """Where findings of many studies were written."""

    def files(self, cases: Sequence[Case]) -> Mapping[Path, Path | str]:
        """Name for each path the file of its latest findings, or a sentence on why there are none."""
        ...


@dataclass
class FoundBefore:
    """What a detector found in some studies, each read from its file when it is its turn.

    Parameters
    ----------
    results
        Where the findings are.
    card
        Of the weights that they must come from.
    """

    results: Results
    card: ModelCard
    _files: dict[Path, Path | str] = field(default_factory=dict, init=False)

    @property
    def info(self) -> ModelInfo:
        """Of the network that found them."""
        return info_of(self.card)

    def look_up(self, cases: Iterable[Case]) -> None:
        """Learn where the findings of these studies are, of all in one pass."""
        self._files = dict(self.results.files([(path.absolute(), names) for path, names in cases]))

    def file_of(self, path: Path) -> Path:
        """Name the file of a study that was looked up.

        Raises
        ------
        PredictorError
            There is nothing of it, with the reason.
        """
        file = self._files[path.absolute()]
        if isinstance(file, str):
            raise PredictorError(f"{path}: {file}")
        return file

    def of(self, path: Path, image: Image) -> Findings:
        """Read what the network found in a study that was looked up.

        Raises
        ------
        PredictorError, FindingsFileError
            There is nothing of it, or it is of another image or of other weights; a file is damaged.
        """
        file = self.file_of(path)
        findings = read_findings(file)
        if image.ndim == 3 and any(f.kind == "mask" for f in findings):
            raise PredictorError(
                f"{file} has outlines in the place of spheres: predict without a network that outlines."
            )
        if findings.image.shape and tuple(findings.image.shape) != image.shape:
            raise PredictorError(f"{file} is of an image of another size than {path}.")
        return self._own(findings, file)

    def _own(self, findings: Findings, file: Path) -> Findings:
        """What this network alone said, where other networks ran beside it."""
        card, name = self.card, self.card.name
        said = next((model for model in findings.models if model.get("name") == name), None)
        if said is None:
            ran = ", ".join(str(model.get("name")) for model in findings.models) or "no network"
            raise PredictorError(f"{file} holds no findings of {name}: {ran} ran there.")
        if said.get("sha256") != card.sha256:
            raise PredictorError(
                f"{file} comes from {name} {said.get('version', '')} with other weights than {card.version}: name those with "
                "--weights."
            )
        own = (_with_own_score(f) for f in findings if f.provenance.model == name)
        return replace(
            findings,
            items=tuple(sorted(own, key=lambda f: -f.score)),
            image_scores=tuple(s for s in findings.image_scores if s.model == name),
            regions=tuple(r for r in findings.regions if r.provenance.model == name),
        )


def _with_own_score(finding: Finding) -> Finding:
    """The score that the detector gave, which a reduction of false positives or an answer of two networks may have changed."""
    score = finding.scores.get(DETECTOR, finding.scores.get(OWN, finding.score))
    return finding.with_(score=score)
