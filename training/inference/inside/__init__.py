"""What happens inside of a network at one place of an image: its input, maps, crops and proposals, with their places."""
