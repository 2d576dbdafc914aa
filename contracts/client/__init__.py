"""What a client is, and the ways of attaching one: in this process, as a process, behind a URL."""
