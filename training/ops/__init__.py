"""Geometry that torchvision, SciPy and scikit-image lack: spheres, 3-D RoIAlign, boxes and masks in NumPy, calibrated scores."""
