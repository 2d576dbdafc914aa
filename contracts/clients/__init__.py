"""Clients of the cloud that ship with the project."""
