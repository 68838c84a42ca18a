"""A small 3-D U-Net that outlines the nodule a sphere marks in a CT."""
