"""Whether a place looks like a nodule at all, by what lies in and around it."""
