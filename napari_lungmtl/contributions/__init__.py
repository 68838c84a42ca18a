"""What napari calls through npe2: readers, writers, samples."""
