"""What networks say of a finding, in a findings file."""

from __future__ import annotations

from typing import Any

from ...finding import Finding, Opinion
from ..json_values import checked, named, number, numbers, texts

Document = dict[str, Any]


def opinion_document(opinion: Opinion) -> Document:
    """Write what a network says."""
    return {
        "model": opinion.model,
        "version": opinion.version,
        "malignancy": float(opinion.malignancy),
        "spread": float(opinion.std),
        "parts": list(opinion.view_scores),
        "places": list(opinion.view_names),
        "folds": list(opinion.fold_scores),
        "attributes": {name: float(value) for name, value in opinion.attributes.items()},
        "attribute_spread": {name: float(value) for name, value in opinion.attribute_spread.items()},
        "notes": list(opinion.notes),
    }


def votes_document(finding: Finding) -> Document:
    """Write what readers would say, and whether there is a nodule at all; nothing where networks do not tell."""
    votes = {name: [float(share) for share in shares] for name, shares in finding.votes.items()}
    unlike = {} if finding.unlike is None else {"unlike": float(finding.unlike)}
    return {**({"votes": votes} if votes else {}), **unlike}


def opinion_of(entry: Document) -> Opinion:
    """Read what `opinion_document` wrote."""
    return Opinion(
        model=checked(entry["model"], str),
        version=checked(entry["version"], str),
        malignancy=number(entry["malignancy"]),
        std=number(entry["spread"]),
        view_scores=numbers(entry["parts"]),
        view_names=texts(entry["places"]),
        fold_scores=numbers(entry["folds"]),
        attributes=named(entry["attributes"]),
        attribute_spread=named(entry["attribute_spread"]),
        notes=texts(entry["notes"]),
    )


def votes_of(entry: Document) -> dict[str, Any]:
    """Read what `votes_document` wrote, as fields of a finding."""
    votes = checked(entry.get("votes", {}), dict).items()
    unlike = entry.get("unlike")
    return {
        "votes": {name: numbers(shares) for name, shares in votes},
        "unlike": None if unlike is None else number(unlike),
    }
