"""From loose slices to stacks: which belong together, which are there twice, and in which order they lie."""
