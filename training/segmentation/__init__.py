"""Masks of nodules in a CT, grown from a click or a stroke."""
