"""The lab plane: what one does to the fake world."""
