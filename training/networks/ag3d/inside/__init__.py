"""What 3D-AG sees and makes of a place: RPN maps, the pyramid, and the crops of it that FPRN judges."""

from .place import look_inside

__all__ = ["look_inside"]
