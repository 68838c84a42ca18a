"""Several windows with one image open."""
