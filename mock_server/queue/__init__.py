"""The message queue, and the way of a record to it."""
