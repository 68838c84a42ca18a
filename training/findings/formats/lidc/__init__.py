"""The readers of LIDC-IDRI: their files, what they agree on, and what each of them says."""
