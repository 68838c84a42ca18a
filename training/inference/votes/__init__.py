"""What readers would say of a nodule: distributions over the LIDC scales, from what the networks say."""
