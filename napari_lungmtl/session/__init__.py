"""The single source of truth of the window, without Qt: session, thresholds, history, review, autosave."""
