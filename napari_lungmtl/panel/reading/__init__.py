"""Section *reader study*: cases are read as a study has it, and all that is done is logged."""
