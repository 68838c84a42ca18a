"""A person's own weights in the run section: chosen, named, compared with the shipped ones."""
