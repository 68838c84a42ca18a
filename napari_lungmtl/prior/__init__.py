"""The prior study beside the present one: which it may be, and the picture of it that follows the canvas."""
