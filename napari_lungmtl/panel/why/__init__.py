"""Section *why here*: what a network thought at a place."""
