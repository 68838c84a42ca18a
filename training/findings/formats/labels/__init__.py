"""Findings as numbered regions of a volume (NIfTI, NRRD), and as YOLO's boxes of a picture."""
