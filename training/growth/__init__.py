"""Two CT studies of a patient: where one lies in the other, which findings are the same, and how much they have grown."""
