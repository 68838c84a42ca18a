"""What a study without a finding at a place knows of it: did anybody look, is a mark hidden there? No Qt, no napari."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..training.findings import Box, Finding, Findings
from ..training.growth.compare import Compared, Comparison
from ..training.growth.matching import match_findings
from ..training.growth.registration import Registration


def is_read(findings: Findings) -> bool:
    """Whether networks searched a study, or a person marked something in it or is done with it."""
    return bool(findings.models or findings.done_by or len(findings))


def told(comparison: Comparison, present: Findings, prior: Findings) -> Comparison:
    """A comparison that says of what is new or gone whether that is known.

    Beside a study that nobody has read and no network has searched it is not, and where the other study has a mark there that is
    rejected or below the thresholds, a person must look.
    """
    nodules = comparison.nodules
    both = [(n.match.present, n.match.prior) for n in nodules]
    here = [now for now, before in both if now is not None and before is None]
    there = [before for now, before in both if before is not None and now is None]
    hidden_there = _left_out(prior, [before for _, before in both if before is not None])
    hidden_here = _left_out(present, [now for now, _ in both if now is not None])
    registration = comparison.registration
    of_new = {now.id: before for now, before in _pairs(here, hidden_there, registration)}
    of_gone = {before.id: now for now, before in _pairs(hidden_here, there, registration)}

    def known(nodule: Compared) -> Compared:
        now, before = nodule.match.present, nodule.match.prior
        if now is not None and before is None:
            return replace(nodule, read=is_read(prior), hidden=of_new.get(now.id))
        if before is not None and now is None:
            return replace(nodule, read=is_read(present), hidden=of_gone.get(before.id))
        return nodule

    return replace(comparison, nodules=tuple(known(each) for each in nodules))


def _pairs(
    present: Sequence[Finding], prior: Sequence[Finding], registration: Registration
) -> list[tuple[Finding, Finding]]:
    """What may be one nodule in both studies."""
    if not present or not prior:
        return []
    matches = match_findings(present, prior, registration)
    return [(m.present, m.prior) for m in matches if m.present is not None and m.prior is not None]


def _left_out(findings: Iterable[Finding], compared: Sequence[Finding]) -> list[Finding]:
    """What lies in the volume and was not compared."""
    ids = {finding.id for finding in compared}
    return [f for f in findings if f.id not in ids and not isinstance(f.geometry, Box)]
