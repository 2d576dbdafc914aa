"""`python -m mock_server` is `parking-mock`."""

from mock_server.cli import main

main(prog_name="parking-mock")
