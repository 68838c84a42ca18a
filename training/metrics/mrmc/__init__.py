"""Several readers, several cases, several modalities: figures of merit, their covariances, Obuchowski–Rockette's analysis."""
