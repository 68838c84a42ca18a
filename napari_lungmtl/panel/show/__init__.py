"""What is shown: thresholds, window presets, heat map, banner."""
