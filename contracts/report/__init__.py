"""The report on a checked client: on the console, and as files."""
