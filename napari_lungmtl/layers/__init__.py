"""Layers of the window: each follows a session and turns what a person edits in it into commands."""
