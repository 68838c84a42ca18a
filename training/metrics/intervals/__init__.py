"""Bootstrap intervals and paired differences."""
