"""Tables of public sets that have a layout of their own."""
