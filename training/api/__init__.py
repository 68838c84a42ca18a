"""What ``import napari_lungmtl`` offers beyond reading and writing: runs, and the field's measures and datasets by one name.

Nothing here knows a window: `napari_lungmtl.training.api` works on a cluster.
"""
