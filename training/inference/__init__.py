"""From an image to findings: predictors, chains of them, weights, devices."""
