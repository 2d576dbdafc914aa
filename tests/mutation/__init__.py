"""Mutants of the judge: what shows that its own checks are checked."""
