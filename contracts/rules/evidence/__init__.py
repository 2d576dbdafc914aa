"""What rules look at: readings of a run that several rules share."""
