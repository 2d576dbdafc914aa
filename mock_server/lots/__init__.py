"""The lots: their records, what they count, and what they start from."""
