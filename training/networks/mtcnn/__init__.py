"""MT-CNN (Zhai et al. 2020, doi:10.1109/ACCESS.2020.3027812): malignancy of nodules, and their reconstruction, from nine planes."""
