"""`python -m mock_server` is `parking-mock`."""

import gc

gc.set_threshold(10_000)  # as in parking_mock/__main__.py

from mock_server.cli import main  # noqa: E402 not before that

main(prog_name="parking-mock")
