"""Section *where is it blind?*: grafts all over the lungs, and one at a click."""
