import socket

import pytest

from mock_server.web.serving.listening import listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_are_not_held_back(host: str) -> None:
    """A listening socket names TCP, or asyncio leaves Nagle's algorithm on: 40 ms for each kept-alive answer."""
    with listen(host, 0, "--port") as listener:
        assert listener.proto == socket.IPPROTO_TCP
