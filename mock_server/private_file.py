"""Files that hold secrets: for their user alone, and there only when they are whole."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_private(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that nobody else may read (mode 0600), in place of one of that name once all of it is written.

    OSError if it cannot be written.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            file.writelines(pieces)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
