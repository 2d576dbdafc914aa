"""The ledger: keeps what changes in the projects of a cloud in a store, and makes them again from it."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Self

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.history.from_json import read_entry
from mock_server.history.log import Entry
from mock_server.project import Moment, Project, ProjectAbout
from mock_server.state.checkpoints import Checkpoint
from mock_server.state.codec import DecodeError, decode, encode
from mock_server.state.journal import State
from mock_server.state.rows import ABSENT
from mock_server.state.store import ProjectChanges, ProjectStore, StoredProject, StoredRow, StoreError
from mock_server.steps import at_once
from mock_server.world import checkpoint_of, checkpoint_text, clock_of, decode_registers, decode_row

_LINES_BEHIND = 1_000
"""How many lines of a history may have been let go before they leave the store too."""

_BATCH = 500
"""How many texts of JSON are read at once."""

_JSON = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class _Kept:
    """How much of a project is kept."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.beginning = -1
        self.changes = self.line = self.dropped = 0
        self.moment = ""
        self.checkpoints: dict[str, Checkpoint[Moment]] = {}

    @classmethod
    def made_again(cls, project: Project, moment: Moment, stored: StoredProject) -> Self:
        """That of a project that was just made from what is kept: only what happens from now on has changed."""
        kept = cls(project)
        kept.beginning, kept.line, kept.moment = project.journal.beginning, moment.line, stored.moment
        kept.dropped = moment.line - len(moment.entries)
        kept.checkpoints = project.checkpoints.named()
        return kept

    @property
    def is_kept(self) -> bool:
        """Whether anything of it is kept."""
        return self.beginning >= 0

    def changed(self) -> ProjectChanges | None:
        """What has changed since it was kept, None if nothing has."""
        journal, history = self.project.journal, self.project.history
        moment = self._moment()
        changed = journal.changed_after(self.changes) if journal.beginning == self.beginning else None
        if changed is None:
            return self._with_checkpoints(self._all(moment))
        checkpoints = self.project.checkpoints.named()
        if not changed and history.last == self.line and moment == self.moment and checkpoints == self.checkpoints:
            return None
        changes = self._with_checkpoints(ProjectChanges(self.project.access_id, moment))
        for name, key in changed:
            value = journal.value(name, key)
            if value is ABSENT:
                changes.gone.append((name, _text(key)))
            else:
                changes.put.append(_row(name, key, value))
        changes.lines = [(entry.seq, _line(entry)) for entry in history.after(self.line)]
        changes.dropped = history.dropped if history.dropped - self.dropped >= _LINES_BEHIND else 0
        return changes

    def _with_checkpoints(self, changes: ProjectChanges) -> ProjectChanges:
        """The changes, with those of the checkpoints. One whose name was given to another is forgotten first."""
        present = self.project.checkpoints.named()
        changes.forgotten = [name for name, each in self.checkpoints.items() if present.get(name) is not each]
        new = (each for name, each in present.items() if self.checkpoints.get(name) is not each)
        changes.checkpoints = [(each.name, checkpoint_text(each)) for each in new]
        return changes

    def _all(self, moment: str) -> ProjectChanges:
        rows = self.project.journal.present().rows
        return ProjectChanges(
            self.project.access_id,
            moment,
            about=_text(self.project.about),
            put=[_row(name, key, value) for name, each in rows.items() for key, value in each.items()],
            lines=[(entry.seq, _line(entry)) for entry in self.project.history.after()],
        )

    def _moment(self) -> str:
        project = self.project
        registers = project.journal.present_registers()
        now_ms = project.clock.now_ms() if isinstance(project.clock, VirtualClock) else 0
        return _text({"line": project.history.last, "now_ms": now_ms, "registers": registers})

    def keep(self, changes: ProjectChanges) -> None:
        """Note that these are kept."""
        self.beginning, self.changes = self.project.journal.beginning, self.project.journal.noted
        self.line, self.moment = self.project.history.last, changes.moment
        self.checkpoints = self.project.checkpoints.named()
        self.dropped = max(self.dropped, changes.dropped)


class Ledger:
    """Keeps the projects of a cloud in a store, those that it has and those to come.

    `on_change` is called when something has changed that is not kept yet. `unfinished` counts what is worked at in
    steps, with turns for others between.
    """

    def __init__(self, cloud: Cloud, store: ProjectStore) -> None:
        self._store = store
        self._kept: dict[str, _Kept] = {}
        self._touched: dict[str, None] = {}
        self._removed: dict[str, None] = {}
        self._begun: set[str] = set()
        self._cloud = cloud
        self.unfinished = 0
        self.on_change: Callable[[], None] = lambda: None

    def open(self, first: str, make_first: Callable[[], Project]) -> None:
        """Add the projects of the store to the cloud, and watch the cloud. StoreError if one cannot be made.

        The first project of the cloud is the one with the access id `first`, which is made if it is not kept.
        """
        made = {stored.access_id: self._make_again(stored) for stored in self._store.projects()}
        self._cloud.add(made.pop(first) if first in made else make_first())
        for project in made.values():
            self._cloud.add(project)
        self._cloud.listen_to_makings(self._begin, self._remove)
        self._cloud.listen(self._add, self._remove)
        self.commit()

    def _make_again(self, stored: StoredProject) -> Project:
        """A project that was kept, for the cloud. StoreError if it is none. One that was half filled is filled up."""
        project, moment = made_again(stored)
        self._kept[stored.access_id] = _Kept.made_again(project, moment, stored)
        at_once(project.filling_up(moment.state.registers.get("unfilled", 0)))
        return project

    def look_at(self, access_id: str) -> Project:
        """A project, or a copy of it if another server has it. StoreError if there is none."""
        project = self._cloud.get(access_id)
        if project is None:
            raise StoreError(f"there is no project {access_id}")
        return project

    def start(self, url: str) -> None:
        """Begin to serve, on the running loop. `url` is where the lab plane is."""

    def check(self) -> None:
        """StoreError if what is in the memory may be others' by now: then nothing is to be told of it."""

    def commit(self) -> None:
        """Keep what has changed. StoreError if that fails: it is then kept with the next commit."""
        touched = [self._kept[access_id] for access_id in self._touched]
        changed = [(kept, changes) for kept in touched if (changes := kept.changed()) is not None]
        if changed or self._removed:
            self._store.write([changes for _, changes in changed], tuple(self._removed))
        self._removed.clear()
        self._touched.clear()
        for kept, changes in changed:
            kept.keep(changes)

    def close(self) -> None:
        """Keep what has changed, and close the store."""
        self._touched.update(dict.fromkeys(self._kept))
        try:
            self.commit()
        finally:
            self._store.close()

    def _add(self, project: Project) -> None:
        if project.access_id in self._begun:
            self._begun.remove(project.access_id)
            self.touch(project)
        else:
            self._watch(project)

    def _begin(self, project: Project) -> None:
        """Keep a project in the making step by step: to write it at once would hold others up.

        If the server ends before, it is made to its end at the next start, although nobody was told of it.
        """
        self._begun.add(project.access_id)
        self._watch(project)

    def _watch(self, project: Project) -> None:
        self._kept.setdefault(project.access_id, _Kept(project))
        self.touch(project)
        project.history.listen(partial(self.touch, project))
        project.checkpoints.on_change = partial(self.touch, project)

    def touch(self, project: Project) -> None:
        """Note that something of a project has changed. Each line of its history notes it."""
        if project.access_id not in self._touched and project.access_id in self._kept:
            self._touched[project.access_id] = None
            self.on_change()

    def _remove(self, project: Project) -> None:
        if self._kept.pop(project.access_id, None) is not None:
            self._begun.discard(project.access_id)
            self._touched.pop(project.access_id, None)
            self._removed[project.access_id] = None
            self.on_change()


def _text(value: Any) -> str:
    return _JSON.encode(encode(value))


def _row(name: str, key: Any, value: Any) -> StoredRow:
    return StoredRow(name, _text(key), _text(value))


def _line(entry: Entry) -> str:
    return _JSON.encode(entry.to_json())


def made_again(stored: StoredProject) -> tuple[Project, Moment]:
    """The project that was kept, and how. StoreError if what was kept is none."""
    try:
        about: ProjectAbout = decode(ProjectAbout, json.loads(stored.about), "about")
        moment = _moment(stored)
        checkpoints = tuple(checkpoint_of(name, text) for name, text in stored.checkpoints)
    except (DecodeError, ValueError) as error:
        text = f"cannot use the store: the project {stored.access_id} cannot be read: {error}."
        raise StoreError(f"{text} Restore a copy, or name another file") from error
    project = about.make(clock_of(about, moment.now_ms))
    project.resume(moment)
    for each in checkpoints:
        project.checkpoints.add(each)
    return project, moment


def _moment(stored: StoredProject) -> Moment:
    data = decode(dict[str, object], json.loads(stored.moment), "moment")
    line, now_ms = (decode(int, data.get(name), name) for name in ("line", "now_ms"))
    rows: dict[str, dict[Any, Any]] = {}
    for first in range(0, len(stored.rows), _BATCH):
        names, keys, values = zip(*stored.rows[first : first + _BATCH], strict=True)
        for name, *row in zip(names, _read_all(keys), _read_all(values), strict=True):
            key, value = decode_row(name, *row)
            rows.setdefault(name, {})[key] = value
    entries = tuple(_entries(stored))
    return Moment(State(rows, decode_registers(data.get("registers"))), entries, line, now_ms)


def _entries(stored: StoredProject) -> Iterator[Entry]:
    for first in range(0, len(stored.lines), _BATCH):
        for at, line in enumerate(_read_all(stored.lines[first : first + _BATCH]), first):
            yield read_entry(line, f"line {at}")


def _read_all(texts: Sequence[str]) -> list[Any]:
    """The values of some texts of JSON, read at once: half the time. ValueError if they are not as many."""
    values: list[Any] = json.loads(f"[{','.join(texts)}]")
    if len(values) != len(texts):
        raise ValueError(f"{len(texts)} texts of JSON are {len(values)} values")
    return values
