"""MT-CNN: nodules judged and reconstructed from nine planar views (Zhai et al. 2020, IEEE Access 8:180317)."""
