"""Which wrong counter explains the counts that a client claimed."""
