"""The log of commands on findings."""
