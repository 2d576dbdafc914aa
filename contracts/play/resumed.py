"""The scenario of a world that goes on from an exported project, with a client that was not there before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contracts.play.scenario import MIDNIGHT, Scenario
from mock_server.model import HOUR
from mock_server.project_file import load_project

WITH_FAULTS = HOUR
"""How long the faults of the file go on, armed ones and chaos, before it is calm."""


@dataclass(frozen=True, slots=True)
class Resumed(Scenario):
    """The world of a file, whose history had `line` lines: nothing happens but what is still to happen there."""

    file: Path = Path()
    line: int = 0

    @property
    def since(self) -> int:
        """The last line of the file's history."""
        return self.line

    @classmethod
    def of(cls, file: Path) -> Self:
        """That of a file. ProjectFileError if it has no project, OSError if it cannot be read."""
        moment = load_project(file).moment
        return cls(begin=moment.now_ms - MIDNIGHT, runs_ms=WITH_FAULTS, file=file, line=moment.line)
