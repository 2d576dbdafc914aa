"""What is said of a checked client: on the console, and as files."""
