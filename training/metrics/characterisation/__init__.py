"""Figures of malignancy and attributes."""
