"""Section *inside*: what a network saw and made of the place that is looked at."""
