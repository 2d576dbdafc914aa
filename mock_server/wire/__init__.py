"""The vendor's wire: signatures, envelopes, error codes, bodies, messages. Bytes and values, no Flask."""
