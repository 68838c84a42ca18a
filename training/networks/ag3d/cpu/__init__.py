"""3D-AG as it runs without a GPU."""
