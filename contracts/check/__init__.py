"""From cases to verdicts: exploring, shrinking, and what was found."""
