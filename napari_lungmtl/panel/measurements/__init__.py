"""The section *measure*: tools, and the list of what was measured."""
