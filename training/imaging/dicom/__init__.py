"""DICOM: headers, slices, stacks, pixels, look-up tables, writing."""
