"""What Linux tells of processes in /proc. It is read at every step of a client, at a third of the cost of path objects.

Where there is no /proc, and of what is gone or may not be read, nothing is told.
"""

import os


def names(folder: str = "") -> list[str]:
    """The names in a folder of /proc."""
    try:
        return os.listdir(f"/proc/{folder}")  # noqa: PTH208 see above
    except OSError:
        return []


def content(path: str) -> bytes:
    """A file of /proc."""
    try:
        with open(f"/proc/{path}", "rb", buffering=0) as file:  # noqa: PTH123 see above
            return file.read()
    except OSError:
        return b""
