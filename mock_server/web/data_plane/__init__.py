"""The data plane: the vendor's API."""
