"""The report on characterisation: baselines, ablations, attributes and calibration from out-of-fold predictions."""
