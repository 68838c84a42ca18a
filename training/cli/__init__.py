"""The commands of ``lungmtl``, one module each. Heavy imports stay inside the functions: ``--help`` answers at once."""
