"""The field's official measures."""
