"""3D-AG (Zhang et al.): nodule spheres in CT."""
