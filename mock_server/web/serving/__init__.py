"""Serves Flask applications on one event loop."""
