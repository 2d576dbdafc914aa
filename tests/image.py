"""The Containerfile, carried out without an engine: each instruction in a root of its own.

That root has this machine's Debian, which it can read only, and nothing else of it: where the base image has Python, it
has this interpreter and no package. `RUN` is run in it, `COPY` copies into it, `USER` is who runs, and the server has a
network of its own. `pip` is uv's, which takes the same words and a tenth of the time; `make` runs the other one. A user
who is not root has it as root of a user namespace; there `USER` changes nothing.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

BASE = "docker.io/library/python:"
DEADLINE_S = 300

_INSTRUCTION = re.compile(r"^([A-Z]+) +(.*)$", re.DOTALL)
_NAMES = ("ENTRYPOINT", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR")

_IS_ROOT = os.getuid() == 0
_PYTHON = Path(sys.base_prefix)
_UV = Path(sys.executable).with_name("uv")

_MOUNT = r"""set -e
mount -t tmpfs -o mode=755 root "$ROOT"
cd "$ROOT"
mkdir -p dev proc tmp opt/python
chmod 1777 tmp
for top in bin sbin lib lib32 lib64 usr etc run; do
    if [ -L /$top ]; then cp -P /$top $top; elif [ -d /$top ]; then mkdir $top; mount --rbind /$top $top; fi
done
mount -t tmpfs -o mode=755 local usr/local
for top in bin sbin lib lib32 lib64 usr etc run; do
    if [ -d $top ] && [ ! -L $top ]; then mount -o remount,bind,ro $top; fi
done
mount --rbind /dev dev
mount --rbind /proc proc
mkdir usr/local/bin
mount --bind "$PYTHON" opt/python
touch opt/uv
mount --bind "$UV" opt/uv
echo mounted
exec cat
"""

_LOOPBACK = (
    "import fcntl, os, socket, struct, sys; s = socket.socket();"
    " fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 0x41));"  # SIOCSIFFLAGS: up and running
    " os.execvp(sys.argv[1], sys.argv[1:])"
)


_PIP = """#!/bin/sh
VIRTUAL_ENV=/usr/local exec /opt/uv pip "$@"
"""


class Instruction(NamedTuple):
    """A line of a Containerfile: its name and the rest."""

    name: str
    value: str


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Containerfile. ValueError for one that `Image` cannot carry out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    found = [_INSTRUCTION.match(line) for line in joined.splitlines() if line.strip()]
    if any(each is None or each[1] not in _NAMES for each in found):
        raise ValueError(f"cannot carry out {joined}")
    return [Instruction(each[1], each[2]) for each in found if each]


class Image:
    """A root in which a Containerfile is carried out. A context manager: nothing is left of it."""

    def __init__(self, folder: Path, context: Path) -> None:
        self._folder, self._context = folder, context
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LD_LIBRARY_PATH": "/opt/python/lib",
        }
        self.user, self.workdir = "0:0", "/"
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health: list[str] = []
        self.ports: list[int] = []
        self.volumes: list[str] = []

    def __enter__(self) -> Self:
        root = ["unshare", "--mount"] if _IS_ROOT else ["unshare", "--mount", "--map-root-user"]
        self._held = subprocess.Popen(  # noqa: S603 our own script
            [*root, "sh", "-c", _MOUNT],
            env=os.environ | {"ROOT": str(self._folder), "PYTHON": str(_PYTHON), "UV": str(_UV)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._held.stdout is not None
        assert self._held.stdout.readline() == "mounted\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._held.communicate(timeout=DEADLINE_S)

    def build(self, todo: Sequence[Instruction], network: dict[str, str]) -> None:
        """Carry out the instructions. `network` has the variables that a build needs on this machine."""
        for name, value in todo:
            getattr(self, f"_{name.lower()}")(value, network)

    @property
    def inside(self) -> Path:
        """The root as this process sees it."""
        return Path(f"/proc/{self._held.pid}/root{self._folder}")

    def run(self, words: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the image, as its user."""
        return subprocess.run(  # noqa: S603 the Containerfile's own commands
            [*self._enter(self._held.pid), *self._words(words, more)],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    @contextmanager
    def started(self, *arguments: str) -> Iterator["Container"]:
        """The image's command, or its entry point with other arguments, in a network of its own."""
        words = [*self.entrypoint, *(arguments or self.command)]
        network = ["unshare", "--net", sys.executable, "-c", _LOOPBACK]
        with subprocess.Popen(  # noqa: S603 the Containerfile's own command
            [*self._enter(self._held.pid), *network, *self._words(words, {})], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Container(self, process)
            finally:
                process.kill()

    def in_network_of(self, pid: int, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command beside a container's."""
        return subprocess.run(  # noqa: S603 the Containerfile's own command
            [*self._enter(pid), "--net", *self._words(words, {})],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def _enter(self, pid: int) -> list[str]:
        user = [] if _IS_ROOT else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(pid), "--mount", *user]

    def _words(self, words: Sequence[str], more: dict[str, str]) -> list[str]:
        user = [f"--userspec={self.user}", "--groups="] if _IS_ROOT else []
        variables = [f"{name}={value}" for name, value in (self.environment | more).items()]
        return ["chroot", *user, str(self._folder), "env", "-i", "-C", self.workdir, *variables, *words]

    def _from(self, value: str, _: dict[str, str]) -> None:
        """The interpreter as an environment at /usr/local, with what it calls pip."""
        assert value.startswith(BASE), value
        local = self.inside / "usr" / "local"
        (local / "pyvenv.cfg").write_text("home = /opt/python/bin\n", encoding="utf-8")
        program = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for name in ("python", "python3", program):
            (local / "bin" / name).symlink_to(f"/opt/python/bin/{program}")
        (local / "lib" / program / "site-packages").mkdir(parents=True)
        (local / "bin" / "pip").write_text(_PIP, encoding="utf-8")
        (local / "bin" / "pip").chmod(0o755)

    def _copy(self, value: str, _: dict[str, str]) -> None:
        *sources, target = value.split()
        folder = self.inside / target.strip("/")
        folder.mkdir(parents=True)
        for source in sources:
            found = list(self._context.glob(source))
            assert found, f"there is no {source} to copy"
            for each in found:
                shutil.copy(each, folder)

    def _run(self, value: str, network: dict[str, str]) -> None:
        done = self.run(["/bin/sh", "-c", value], **network)
        assert done.returncode == 0, f"RUN {value}\n{done.stdout}{done.stderr}"

    def _env(self, value: str, _: dict[str, str]) -> None:
        self.environment |= dict(each.split("=", 1) for each in shlex.split(value))

    def _workdir(self, value: str, _: dict[str, str]) -> None:
        (self.inside / value.strip("/")).mkdir(parents=True, exist_ok=True)
        self.workdir = value

    def _user(self, value: str, _: dict[str, str]) -> None:
        self.user = value

    def _expose(self, value: str, _: dict[str, str]) -> None:
        self.ports = [int(each) for each in value.split()]

    def _volume(self, value: str, _: dict[str, str]) -> None:
        self.volumes = json.loads(value)

    def _healthcheck(self, value: str, _: dict[str, str]) -> None:
        self.health = json.loads(value.partition(" CMD ")[2])

    def _entrypoint(self, value: str, _: dict[str, str]) -> None:
        self.entrypoint = json.loads(value)

    def _cmd(self, value: str, _: dict[str, str]) -> None:
        self.command = json.loads(value)


class Container:
    """A running command of an image."""

    def __init__(self, image: Image, process: subprocess.Popen[str]) -> None:
        self._image, self.process = image, process

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, in its network."""
        return self._image.in_network_of(self.process.pid, words)

    @property
    def is_healthy(self) -> bool:
        """Whether the health check of the image succeeds."""
        return self.run(self._image.health).returncode == 0

    @property
    def uids(self) -> set[str]:
        """The users that it may act as."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)
        return set(line[1].split()) if line else set()

    def until_ready(self) -> str:
        """What it prints until it says that it is ready, or ends."""
        lines = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ready"):
                break
        return "".join(lines)
