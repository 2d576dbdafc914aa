"""The parking lots: their records, the counting of records, and the seeds that they start from."""
