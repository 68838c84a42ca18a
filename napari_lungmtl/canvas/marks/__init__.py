"""What is said on the canvas of the marks on it: their captions, and the attributes of the selected one. For any canvas."""
