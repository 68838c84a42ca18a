"""Networks of other makes as predictors beside ours.

MONAI bundles and ONNX files are read, and never run as code; containers run, and can reach nothing but the voxels that they get.
"""
