"""The history: events, the log that numbers them, and readings of it."""
