"""Work off the GUI thread: the worker, and what a run does for each modality."""
