"""napari-lungmtl: five multi-task lung-nodule networks on chest CT and radiographs, inside napari.

Nothing heavy is imported here: napari imports this package at start-up.
"""

__version__ = "0.1.0"
