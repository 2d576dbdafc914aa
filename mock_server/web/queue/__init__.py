"""The queue's WebSockets."""
