"""Codecs of DICOM pixels: what a frame is compressed with, whether it is whole, and its stored values."""
