"""Files other than DICOM."""
