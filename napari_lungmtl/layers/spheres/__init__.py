"""Nodule spheres of a CT: the layer, its rows, what napari gets and gives back."""
