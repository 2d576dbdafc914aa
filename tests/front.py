"""The front of several servers: nginx with the configuration that docs/how-to/several-servers.md has, on free ports."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mock_server.model import Addresses
from tests.postgresql import free_port

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "several-servers.md"
NGINX = "/usr/sbin/nginx"
PORTS = ("port", "ws-port", "pulsar-port", "lab-port")
FIRST = ("8280", "8285", "7285", "8290")
SECOND = ("8380", "8385", "7385", "8390")
FRONT = ("9280", "9285", "9650", "9290")
"""The ports of the page: of its two servers, and of nginx."""


class Front:
    """The free ports in place of the page's, and what they are to be told by."""

    def __init__(self) -> None:
        self._ports = {port: str(free_port()) for port in (*FIRST, *SECOND, *FRONT)}

    @property
    def flags(self) -> list[list[str]]:
        """The flags of the two servers."""
        return [
            [f"--{name}={self._ports[port]}" for name, port in zip(PORTS, ports, strict=True)]
            for ports in (FIRST, SECOND)
        ]

    def lab(self, server: int) -> str:
        """The lab plane of one server."""
        return f"http://127.0.0.1:{self._ports[(FIRST, SECOND)[server][3]]}"

    @property
    def addresses(self) -> Addresses:
        """What clients use."""
        api, ws, pulsar, lab = (f"127.0.0.1:{self._ports[port]}" for port in FRONT)
        return Addresses(f"http://{api}", f"ws://{ws}/", f"pulsar://{pulsar}", f"http://{lab}")

    def configuration(self, folder: Path) -> str:
        """That of the page, with files in a folder."""
        found = re.search(r"^```nginx\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        assert found is not None, "the page has no configuration"
        text = re.sub("|".join(self._ports), lambda port: self._ports[port[0]], found[1])
        bodies = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"    {each}_temp_path {folder / each};\n" for each in bodies)
        return text.replace("http {\n", f"http {{\n    access_log off;\n{places}", 1)

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        """Serve, until the `with` ends."""
        file = folder / "nginx.conf"
        file.write_text(self.configuration(folder))
        user = "user root; " if os.getuid() == 0 else ""
        settings = f"{user}daemon off; master_process off; pid {folder / 'nginx.pid'}; error_log {folder / 'errors'};"
        with subprocess.Popen([NGINX, "-c", file, "-e", folder / "errors", "-g", settings]) as nginx:  # noqa: S603 Debian's
            try:
                yield
                assert nginx.poll() is None, (folder / "errors").read_text()
            finally:
                nginx.terminate()
