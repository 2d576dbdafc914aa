"""The ready file of `serve`: present while the server that wrote it can be called."""

import os
from pathlib import Path


class ReadyFile:
    """One server's ready file. Every method raises OSError where the file cannot be written or removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text: str | None = None

    def remove_stale(self) -> None:
        """Remove the file of an earlier server that was killed: nobody may read it while this one starts."""
        self.path.unlink(missing_ok=True)

    def write(self, text: str) -> None:
        """Write the file in one step, so that nobody reads half of it."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)
        self._text = text

    def remove(self) -> None:
        """Remove the file, unless another server has written it since: then it is that server's."""
        if self._text is not None and self._content() == self._text:
            self.path.unlink(missing_ok=True)

    def _content(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
