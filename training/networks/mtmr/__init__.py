"""MTMR-Net (Liu et al. 2020, doi:10.1109/TMI.2019.2934577): malignancy and eight attributes of a nodule from its slices."""
