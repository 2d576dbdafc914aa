"""How a client that is not in this process is attached: as a process, or behind a URL."""
