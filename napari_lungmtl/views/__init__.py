"""Several views of one CT: three planes side by side with a crosshair, and slabs instead of slices."""
