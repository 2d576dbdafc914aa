"""The lab plane: the API with which tests and people control the emulator."""
