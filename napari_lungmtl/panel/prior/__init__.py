"""Section *prior*: the study that the present one is compared with, and what has become of each nodule."""
