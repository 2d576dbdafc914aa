"""A fake Tuya parking cloud: the API, the parking lots and the message queue behind it."""

__version__ = "0.1.0"
