"""3D-AG (Zhang et al., *3D Aggregated Faster R-CNN for General Lesion Detection*): nodule spheres in CT."""
