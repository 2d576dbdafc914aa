"""State as rows: what a project is made of at a moment, and how it comes back to that."""
