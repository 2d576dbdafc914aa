"""Clients with a defect in security."""
