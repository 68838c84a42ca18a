"""Commands about learning from reviews."""
