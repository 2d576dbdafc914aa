"""What carries messages between the queue and its consumers, without sockets and without Flask."""
