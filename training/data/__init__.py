"""Data to learn from: public sets, phantoms, simulated radiographs."""
