"""DHN: a dual head network that says whether a radiograph shows a nodule, and where (Tsai & Peng, shared/papers/dhn.txt)."""
