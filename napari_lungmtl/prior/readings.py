"""Whether anybody, or a network, has looked at a study that another is compared with. No Qt, no napari."""

from __future__ import annotations

from dataclasses import replace

from ..training.findings import Findings
from ..training.growth.compare import Compared, Comparison


def is_read(findings: Findings) -> bool:
    """Whether networks searched a study, or a person marked something in it or is done with it."""
    return bool(findings.models or findings.done_by or len(findings))


def told(comparison: Comparison, present: Findings, prior: Findings) -> Comparison:
    """A comparison that calls nothing new or gone beside a study that nobody has read and no network has searched."""

    def known(nodule: Compared) -> bool:
        if nodule.match.prior is None:
            return is_read(prior)
        return is_read(present) or nodule.match.present is not None

    return replace(comparison, nodules=tuple(replace(each, read=known(each)) for each in comparison.nodules))
