"""What 3D-AG learns from reviewed scans (`last_layer`)."""

from .last_layer import candidates, head, known_cases, with_head

__all__ = ["candidates", "head", "known_cases", "with_head"]
