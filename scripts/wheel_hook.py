"""What the wheel has beside the packages: the example clients that `parking-mock init` writes."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface):
    """Called by hatchling when it builds a wheel. An editable one leaves them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files of each folder, not what was installed in it."""
        if version == "editable":
            return
        for path in (Path(self.root) / "examples").glob("*-client/*"):
            if path.is_file() and not path.name.startswith("."):
                build_data["force_include"][str(path)] = f"contracts/examples/{path.parent.name}/{path.name}"
