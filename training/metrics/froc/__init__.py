"""Figures of detection: matching, FROC, average precision."""
