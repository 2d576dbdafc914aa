"""Runs: a recording with an index of its history, as rules read it."""
