"""Clients with a defect in converging."""
