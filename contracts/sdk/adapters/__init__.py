"""The adapters: each runs one loop, and hands on every message that it receives. They know nothing of the judge."""
