"""Reader studies: who did what when, read back and analysed."""
