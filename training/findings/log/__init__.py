"""The log of commands on an image's findings: one line for each, from which any earlier state is told."""
