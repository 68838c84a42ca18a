"""What runs where the image is."""
