"""Clients with a defect in time."""
