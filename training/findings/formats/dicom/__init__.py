"""Truth in DICOM: segmentations and structured reports, read with highdicom."""
