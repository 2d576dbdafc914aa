"""A project as an object for tests, in process or on a server."""
