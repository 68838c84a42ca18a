"""CT: the lung field."""
