"""The judge of clients. It reads what the emulator writes, never the other way round."""
