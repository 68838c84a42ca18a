"""MTMR-Net (Liu et al., IEEE TMI 2020): malignancy and eight attributes of a nodule from its slices."""
