"""The queue as native Pulsar: connections on the serving loop, plain and TLS on one port."""
