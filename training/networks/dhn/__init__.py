"""DHN (Tsai & Peng 2022, arXiv:2207.03050): whether a radiograph shows a nodule, and boxes around nodules."""
