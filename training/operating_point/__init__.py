"""What a threshold is worth: the FROC or ROC curve of an evaluation, a promise on false marks, and whether it holds for a scan."""
