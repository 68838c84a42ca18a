"""What runs on the machine that has the networks."""
