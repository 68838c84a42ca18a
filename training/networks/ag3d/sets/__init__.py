"""Public sets of whole CTs made ready for the detector."""
