"""OME-Zarr: what its metadata say, reading, writing."""
