"""The card of the selected nodule."""
