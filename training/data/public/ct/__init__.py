"""Public sets of whole chest CTs, in the layouts that they are published in."""
