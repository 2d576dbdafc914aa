"""Clients with a defect in receiving."""
