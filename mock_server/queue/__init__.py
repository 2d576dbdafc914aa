"""The message queue, and the uplink that carries records to it."""
