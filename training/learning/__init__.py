"""Learning from what people corrected: reviewed studies teach a detector's last layer, and a guard says whether that helped."""
