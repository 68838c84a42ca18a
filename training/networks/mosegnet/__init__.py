"""MO-SegNet: nodule and lung masks of a radiograph (Park, Jeong and Moon, KSII TIIS 14(3), 2020)."""
