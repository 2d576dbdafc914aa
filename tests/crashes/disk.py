"""The failing disk: built from C, loaded before libc into a process, and told by it what to do."""

import ctypes
import os
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("failing_disk.c")


class Failure(IntEnum):
    """What happens at an operation of the store's files, as the C source numbers it."""

    NOTHING = 0
    KILL = 1
    TEAR = 2
    POWER = 3
    FULL = 4
    EIO_WRITE = 5
    EIO_SYNC = 6

    @property
    def is_the_end(self) -> bool:
        """Whether the process does not survive it."""
        return self in {Failure.KILL, Failure.TEAR, Failure.POWER}


class Disk:
    """The layer of this process. RuntimeError if it was not started with it."""

    def __init__(self) -> None:
        try:
            layer = ctypes.CDLL(None)
            self._arm, self._operations, self._struck = layer.disk_arm, layer.disk_operations, layer.disk_struck
        except AttributeError:
            raise RuntimeError("start this process with the layer: `run_with_disk`") from None
        self._arm.argtypes = [ctypes.c_char_p, *[ctypes.c_long] * 4]
        self._arm.argtypes[1] = ctypes.c_int
        self._operations.restype = self._struck.restype = ctypes.c_long

    def arm(self, file: Path, failure: Failure, at: int, span: int = 1, seed: int = 0) -> None:
        """Watch a file and those that are named after it; at the operation `at` (from 1) they fail, `span` times."""
        self._arm(os.fsencode(file.resolve()), failure, at, span, seed)

    @property
    def operations(self) -> int:
        """How many there were since it was armed."""
        return int(self._operations())

    @property
    def struck(self) -> int:
        """How many of them failed."""
        return int(self._struck())


def run_with_disk(
    module: str, arguments: list[str], folder: Path, *, shown: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a module in a process with the layer, which is built in a folder. Its output is text, or `shown` at once.

    LookupError if there is no C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise LookupError("there is no C compiler: apt-get install gcc libc6-dev")
    layer = folder / "failing_disk.so"
    subprocess.run(  # noqa: S603 our own source
        [compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", layer, SOURCE, "-ldl"], check=True
    )
    command = [sys.executable, "-m", module, *arguments]
    environ = os.environ | {"LD_PRELOAD": str(layer)}
    return subprocess.run(command, env=environ, check=False, capture_output=not shown, text=True)  # noqa: S603 ourselves
