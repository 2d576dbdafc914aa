"""Evidence for rules: readings of a run that several rules share."""
