"""Clients with a defect in planning windows."""
