"""Radiographs: exposed area, frontal view, gray scale, network input."""
