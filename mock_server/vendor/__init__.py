"""What the vendor cloud keeps beside lots and messages: commands and tokens."""
