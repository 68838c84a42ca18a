"""What `network.py` measures with, and the peers that it measures."""
