"""Clients with a defect in errors."""
