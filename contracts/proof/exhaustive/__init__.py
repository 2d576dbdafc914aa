"""Every history of a few records and faults, and what counting clients make of it."""
