"""Radiographs with nodules of known place: real nodules of CT projected into real radiographs, and projected phantoms."""
