"""A project as one file: what it is made from, its present moment, and its checkpoints.

The file is JSON, an object or a list a line, compressed by gzip, whose check sum tells a damaged file from a whole one.
It is read uncompressed too, as one has it who looks into it or changes something.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from mock_server.cloud import DEFAULT_ACCESS_SECRET
from mock_server.lab_shapes import NewCheckpoint, NewProject
from mock_server.problems import Problem, Reader, in_words, parse_json
from mock_server.profile import read_profile
from mock_server.project import Moment, Project, ProjectAbout
from mock_server.shapes import fields_of, kind_of
from mock_server.state.checkpoints import MAX_CHECKPOINTS, Checkpoint
from mock_server.state.codec import DecodeError, decode, encode
from mock_server.steps import Steps, at_once
from mock_server.version import __version__
from mock_server.world import clock_of, moment_lines, read_moment

FORMAT = "parking-mock/project"

VERSION = 1
"""Raised when the lines change their meaning; files of earlier versions are then read on."""

CONTENT_TYPE = "application/gzip"

MAX_BYTES = 2 * 1024 * 1024 * 1024
MAX_LINES = 10_000_000
MAX_LINE = 16 * 1024 * 1024
"""The most bytes and lines that a file has, uncompressed, and the most bytes of one of its lines (our choice)."""

_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"
_PIECE = 64 * 1024
_UNPACKED = 16 * _PIECE
_JOINED = "it goes on behind its end: was it joined with another? Export the project again"

_KNOWN_OTHERS = {
    "parking-mock/seed": "it is a seed: give it to --seed",
    "parking-mock/failure": "it is the failure of a check: give it to parking-mock replay",
}


class ProjectFileError(ValueError):
    """What is no exported project, or cannot be read as one. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ExportedProject:
    """A project as a file has it: the checkpoints by their names, in the order of their making."""

    about: ProjectAbout
    moment: Moment
    checkpoints: dict[str, Moment]

    @property
    def keys(self) -> tuple[str, str]:
        """Its access id and secret."""
        return self.about.access_id, self.about.access_secret

    def on_virtual_clock(self) -> Self:
        """The same project with a clock that stands still where the file was written."""
        return replace(self, about=replace(self.about, clock="virtual"))

    def make_project(self, access_id: str, access_secret: str = DEFAULT_ACCESS_SECRET) -> Project:
        """`make`, as other ways to make a project do."""
        return self.make(access_id, access_secret)

    def make(self, access_id: str, access_secret: str) -> Project:
        """The project, with these keys. ProjectFileError if its rows contradict each other, as a hand may have it."""
        about = replace(self.about, access_id=access_id, access_secret=access_secret)
        project = about.make(clock_of(about, self.moment.now_ms))
        try:
            project.resume(self._own(self.moment, access_id))
            for name, moment in self.checkpoints.items():
                project.checkpoints.add(self._own(moment, access_id).kept_as(name))
        except Exception as error:  # whatever a component makes of rows that do not fit together
            project.close()
            raise ProjectFileError(f"its rows do not fit together ({error!r}): export the project again") from error
        return project

    def _own(self, moment: Moment, access_id: str) -> Moment:
        own = self.about.access_id
        return moment if access_id == own else moment.renamed(own, access_id)


def export_pieces(project: Project) -> Iterator[bytes]:
    """The file of a project as it is now, in pieces."""
    return _packed(_lines_of(project.about, project.moment(), tuple(project.checkpoints)))


def _packed(lines: Iterable[str]) -> Iterator[bytes]:
    packing = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size > _PIECE:
            yield packing.compress(_joined(waiting))
            waiting.clear()
            size = 0
    yield packing.compress(_joined(waiting)) + packing.flush()


def _lines_of(about: ProjectAbout, moment: Moment, checkpoints: Sequence[Checkpoint[Moment]]) -> Iterator[str]:
    head = {"format": FORMAT, "version": VERSION, "parking_mock": __version__, "checkpoints": len(checkpoints)}
    yield json.dumps({**head, "about": encode(about)}, separators=(",", ":"))
    yield from moment_lines(moment)
    for each in checkpoints:
        yield from moment_lines(each.moment, name=each.name)


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def load_project(path: Path) -> ExportedProject:
    """The project of a file. ProjectFileError if it has none, OSError if it cannot be read."""
    content = path.read_bytes()
    try:
        return at_once(read_project(content))
    except ProjectFileError as error:
        raise ProjectFileError(f"cannot use {path}: {error}") from None


def may_be_project(path: Path) -> bool:
    """Whether a file begins as an exported project does, whole or damaged. OSError if it cannot be read."""
    with path.open("rb") as file:
        start = file.readline(_PIECE)
    return start.startswith(_MAGIC) or f'"{FORMAT}"'.encode() in start


def read_project(content: bytes) -> Steps[ExportedProject]:
    """The project of a file, a line with each step. ProjectFileError if it has none."""
    try:
        return (yield from _read(_lines_in(content)))
    except ProjectFileError:
        raise
    except (DecodeError, ValueError) as error:
        raise ProjectFileError(f"{error}: was it cut off or changed? Export the project again") from None


def _read(lines: Iterator[bytes]) -> Steps[ExportedProject]:
    head = _head(next(lines, b""))
    about = _about(head.get("about"))
    known: dict[bytes, Any] = {}
    count = decode(int, head.get("checkpoints"), "checkpoints")
    if count > MAX_CHECKPOINTS:
        raise ProjectFileError(f"it has {count} checkpoints: a project has {MAX_CHECKPOINTS} at most")
    moment = yield from read_moment(_object(lines, "the moment"), lines, "the moment", known)
    checkpoints: dict[str, Moment] = {}
    for _ in range(count):
        data = _object(lines, "a checkpoint")
        name = _valid(NewCheckpoint, "name", data)
        checkpoints[name] = yield from read_moment(data, lines, f"the checkpoint {name!r}", known)
    if next(lines, None) is not None:
        raise ProjectFileError(_JOINED)
    return ExportedProject(about, moment, checkpoints)


def _head(line: bytes) -> dict[str, object]:
    """The first line. ProjectFileError if it is that of another kind of file, or of a later version."""
    try:
        head = parse_json(line)
    except ValueError:
        head = None
    form = head.get("format") if isinstance(head, dict) else None
    if not isinstance(head, dict) or form != FORMAT:
        advice = _KNOWN_OTHERS.get(str(form), "take one that parking-mock export wrote")
        raise ProjectFileError(f"it is no exported project; {advice}")
    version = decode(int, head.get("version"), "version")
    if version != VERSION:
        by = f"parking-mock {head.get('parking_mock')} (form {version}; this one reads {VERSION})"
        raise ProjectFileError(f"it was written by {by}: use that")
    return head


def _about(data: object) -> ProjectAbout:
    """What the project is made from. Types say nothing of what keys may hold, nor of the answers of a profile."""
    about: ProjectAbout = decode(ProjectAbout, data, "about")
    for name in ("access_id", "access_secret"):
        _valid(NewProject, name, {name: getattr(about, name)})
    problems: list[Problem] = []
    read_profile(about.profile.to_json(), "about.profile", problems)
    if problems:
        raise ProjectFileError(in_words(problems))
    return about


def _valid(shape: Any, name: str, data: dict[str, object]) -> str:
    """A text as the lab API would take it. ProjectFileError if it would not."""
    problems: list[Problem] = []
    value = kind_of(fields_of(shape)[name]).read(Reader(data, "", problems), name)
    if problems:
        raise ProjectFileError(in_words(problems))
    return str(value)


def _object(lines: Iterator[bytes], what: str) -> dict[str, object]:
    line = next(lines, None)
    if line is None:
        raise DecodeError(what, "is missing")
    data: dict[str, object] = decode(dict[str, object], parse_json(line, what), what)
    return data


def _lines_in(content: bytes) -> Iterator[bytes]:
    """The lines of a file, one by one, so that no more of it is in the memory uncompressed."""
    rest, size, count = b"", 0, 0
    for piece in _unpacked(content) if content.startswith(_MAGIC) else _cut(content):
        size += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        count += len(whole)
        if size > MAX_BYTES or count > MAX_LINES or len(rest) > MAX_LINE:
            raise ProjectFileError(f"it is too large: {MAX_LINES} lines and {MAX_BYTES} bytes at most")
        yield from whole
    if rest:
        yield rest


def _cut(content: bytes) -> Iterator[bytes]:
    for begin in range(0, len(content), _PIECE):
        yield content[begin : begin + _PIECE]


def _unpacked(content: bytes) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(_GZIP)
    for piece in _cut(content):
        if unpacking.eof:
            raise ProjectFileError(_JOINED)
        rest = piece
        while rest:
            try:
                unpacked = unpacking.decompress(rest, _UNPACKED)
            except zlib.error:
                raise ProjectFileError("it is damaged: export the project again") from None
            yield unpacked
            rest = unpacking.unconsumed_tail
    if unpacking.unused_data:
        raise ProjectFileError(_JOINED)
    if not unpacking.eof:
        raise ProjectFileError("it is cut off: export the project again")
