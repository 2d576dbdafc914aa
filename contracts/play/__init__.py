"""What produces a run: a scenario, played to a client in a world."""
