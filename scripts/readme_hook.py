"""The README of the package's metadata: links to files of the repository, which an index does not have, become text."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)[^)]*\)")


class ReadmeHook(MetadataHookInterface):
    """Called by hatchling when it builds the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": without_dead_links(text)}


def without_dead_links(text: str) -> str:
    """Markdown without images of the repository, and with the words of links to its files."""
    return _LINK.sub(r"\1", _IMAGE.sub("", text)).replace("\n\n\n\n", "\n\n")
