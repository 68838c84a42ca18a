"""The eight attributes beside the selected nodule: what the bars show and where they stand."""
