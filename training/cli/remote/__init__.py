"""Commands on networks of another machine."""
