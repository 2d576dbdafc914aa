"""The specification of a project and its one reader, for `mock_parking`, the lab API and the command line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mock_server.clock import Clock, SystemClock, VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_SECRET
from mock_server.doubts import doubt_of_time, doubts_of_seed, warn_of
from mock_server.faults.chaos import Chaos, read_chaos
from mock_server.lab_shapes import ClockName, NewProject
from mock_server.lots.named_seeds import read_named_seed
from mock_server.lots.seed import Seed, SeedError, read_devices, read_seed_json
from mock_server.model import JsonObject
from mock_server.problems import Problem, ProblemKind, Reader, type_name
from mock_server.profile import Profile, read_profile
from mock_server.project import Project
from mock_server.project_file import load_project
from mock_server.shapes import fields_of, kind_of
from mock_server.steps import Steps, at_once

NOTHING = Seed(())
"""No devices and no records."""

_CLOCK, _NOW_MS = (kind_of(fields_of(NewProject)[name]) for name in ("clock", "now_ms"))


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """The settings of a new project. By default: no devices, no chaos, the default profile, the system clock.

    `random_seed` seeds all randomness, `seed` has the devices and records, `now_ms` is the start of a virtual clock.
    """

    profile: Profile = field(default_factory=Profile)
    chaos: Chaos = field(default_factory=lambda: Chaos("off", 0))
    clock: ClockName = "system"
    now_ms: int | None = None
    random_seed: int = 0
    seed: Seed = NOTHING

    def doubts(self) -> Iterator[str]:
        """What can hardly be meant, as sentences: times in another unit, the code of a brand."""
        if self.now_ms is not None and (doubt := doubt_of_time("now_ms", self.now_ms)):
            yield doubt
        yield from doubts_of_seed(self.seed)

    def make_project(
        self, access_id: str, access_secret: str = DEFAULT_ACCESS_SECRET, present: Clock | None = None
    ) -> Project:
        """A new project. A virtual clock without `now_ms` starts at the time of `present`, or else of the system."""
        project = self.new_project(access_id, access_secret, present)
        at_once(project.filling())
        return project

    def new_project(self, access_id: str, access_secret: str, present: Clock | None = None) -> Project:
        """`make_project`, without what is in the seed: `filling` adds it."""
        clock: Clock = SystemClock()
        if self.clock == "virtual":
            clock = VirtualClock((present or clock).now_ms() if self.now_ms is None else self.now_ms)
        return Project(
            access_id,
            access_secret,
            self.seed,
            clock,
            profile=self.profile,
            random_seed=self.random_seed,
            chaos=self.chaos.again(),
            filled=False,
        )


class MakesProject(Protocol):
    """What a project is made from: a specification, or a file."""

    def make_project(self, access_id: str, access_secret: str = DEFAULT_ACCESS_SECRET) -> Project:
        """The project, with these keys."""


def project_spec(
    *,
    project: str | Path | None = None,
    profile: str | JsonObject | Profile = "default",
    chaos: str | JsonObject = "off",
    clock: ClockName = "system",
    now_ms: int | None = None,
    seed: int | str | JsonObject = 0,
    devices: list[JsonObject] | None = None,
) -> MakesProject:
    """The specification from keywords, without devices unless `devices` or a seed's name or object has some.

    `project` is a file that an export wrote, which has everything but keys: of the others only `clock` may be
    `"virtual"` beside it, for a clock that stands still where the file was written.
    ValueError names every problem, OSError a file that cannot be read; `DoubtfulValueWarning` what can hardly be meant.
    """
    data: JsonObject = {"profile": profile, "chaos": chaos, "clock": clock, "seed": seed}
    data |= {name: value for name, value in (("now_ms", now_ms), ("devices", devices)) if value is not None}
    if project is not None:
        return _from_file(Path(project), data)
    problems: list[Problem] = []
    spec = at_once(read_spec(Reader(data, "", problems), problems, NOTHING))
    if problems:
        raise ValueError(str(SeedError(problems)))
    warn_of(spec.doubts())
    return spec


def _from_file(path: Path, settings: JsonObject) -> MakesProject:
    """The project of a file. ValueError for settings that it has itself."""
    own = {"profile": "default", "chaos": "off", "clock": settings["clock"], "seed": 0}
    also = [name for name, value in settings.items() if name not in own or value != own[name]]
    if also:
        raise ValueError(f"{', '.join(also)}: the project of a file has its own, and takes only clock beside it")
    exported = load_project(path)
    return exported.on_virtual_clock() if settings["clock"] == "virtual" else exported


def read_spec(reader: Reader, problems: list[Problem], devices: Seed) -> Steps[ProjectSpec]:
    """The specification from the fields of `NewProject` except the keys. Problems are noted in `problems`.

    `devices` is the seed of a project for which neither `devices` nor a seed's name or object is given.
    """
    number = reader.raw("seed")
    random_seed = number if isinstance(number, int) else 0
    profile = _read_profile(reader, problems)
    chaos = read_chaos(_given(reader, "chaos", "off"), "chaos", problems, default_seed=random_seed)
    seed = yield from _read_seed(reader, problems, devices)
    clock: ClockName = _CLOCK.read(reader, "clock", required=False) or "system"
    now_ms = _NOW_MS.read(reader, "now_ms", required=False)
    if clock == "system":
        reader.absent("now_ms", "needs a virtual clock")
    return ProjectSpec(profile or Profile(), chaos or Chaos("off", 0), clock, now_ms, random_seed, seed or NOTHING)


def _given(reader: Reader, name: str, default: object) -> object:
    return reader.raw(name) if name in reader else default


def _read_profile(reader: Reader, problems: list[Problem]) -> Profile | None:
    given = _given(reader, "profile", "default")
    return given if isinstance(given, Profile) else read_profile(given, "profile", problems)


def _read_seed(reader: Reader, problems: list[Problem], devices: Seed) -> Steps[Seed | None]:
    """The devices and records. A seed's name or object has both; a number seeds the randomness only."""
    given = _given(reader, "seed", 0)
    if isinstance(given, dict | str):
        reader.absent("devices", "are in the seed already")
        if isinstance(given, str):
            return read_named_seed(given, problems)
        return (yield from read_seed_json(given, problems))
    if type(given) is int:
        reader.integer("seed", required=False)
    else:
        text = f"must be a number for randomness, a seed's name or a seed file's object, not {type_name(given)}"
        reader.note(ProblemKind.TYPE, "seed", text)
    if "devices" not in reader:
        return devices
    return Seed(tuple(read_devices(reader.raw("devices"), "devices", problems).values()))
