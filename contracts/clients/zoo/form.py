"""Clients with a defect in the form of a request."""
