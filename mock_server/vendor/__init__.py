"""The vendor cloud's own state, beside lots and messages: commands and tokens."""
