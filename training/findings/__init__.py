"""Typed results: what was found, where, by whom, and what a person thinks of it."""

from .change import Change
from .finding import (
    ATTRIBUTES,
    REASONS,
    SCHEMA_VERSION,
    Box,
    Finding,
    Findings,
    Geometry,
    ImageReference,
    ImageScore,
    Mask,
    Opinion,
    Provenance,
    Region,
    Sphere,
    new_id,
)
from .measurements.measurement import Measurement

__all__ = [
    "ATTRIBUTES",
    "REASONS",
    "SCHEMA_VERSION",
    "Box",
    "Change",
    "Finding",
    "Findings",
    "Geometry",
    "ImageReference",
    "ImageScore",
    "Mask",
    "Measurement",
    "Opinion",
    "Provenance",
    "Region",
    "Sphere",
    "new_id",
]
