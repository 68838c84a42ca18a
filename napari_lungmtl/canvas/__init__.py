"""What stands on the canvas beside the layers: who it is, where one is, which side is which."""
