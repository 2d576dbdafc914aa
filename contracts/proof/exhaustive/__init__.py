"""Plays every history of a few records and faults to models of counting clients."""
