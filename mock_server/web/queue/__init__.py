"""The queue's WebSocket endpoint."""
