"""The settings of one project made in Python: checked like those of the lab API, with the same words."""

from dataclasses import dataclass
from typing import Literal

from mock_server.clock import Clock, SystemClock, VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_SECRET
from mock_server.faults.chaos import read_chaos
from mock_server.lots.seed import Seed, SeedError, read_devices, read_seed_json
from mock_server.model import LATEST_MS, JsonObject
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.profile import Profile, read_profile
from mock_server.project import Project


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """What a project is made from. `seed` is a number for randomness, or a seed file's object."""

    profile: str | JsonObject | Profile = "default"
    chaos: str | JsonObject = "off"
    clock: Literal["system", "virtual"] = "system"
    now_ms: int | None = None
    seed: int | JsonObject = 0
    devices: list[JsonObject] | None = None

    def make_project(self, access_id: str, access_secret: str = DEFAULT_ACCESS_SECRET) -> Project:
        """A new project. ValueError names everything that cannot be used."""
        problems: list[Problem] = []
        random_seed = self.seed if isinstance(self.seed, int) else 0
        profile = self._profile(problems)
        chaos = read_chaos(self.chaos, "chaos", problems, default_seed=random_seed)
        seed = self._seed(problems)
        self._check_time(problems)
        if problems:
            raise ValueError(str(SeedError(problems)))
        return Project(
            access_id, access_secret, seed, self._clock(), profile=profile, random_seed=random_seed, chaos=chaos
        )

    def _profile(self, problems: list[Problem]) -> Profile | None:
        return self.profile if isinstance(self.profile, Profile) else read_profile(self.profile, "profile", problems)

    def _seed(self, problems: list[Problem]) -> Seed:
        if isinstance(self.seed, dict):
            if self.devices is not None:
                problems.append(Problem(ProblemKind.ILLEGAL, "devices", "belong into the seed, where one is given"))
            return read_seed_json(self.seed, problems) or Seed(())
        if type(self.seed) is not int:
            text = "must be a number for randomness or a seed file's object"
            problems.append(Problem(ProblemKind.TYPE, "seed", f"{text}, not {self.seed!r}"))
        if self.devices is None:
            return Seed(())
        return Seed(tuple(read_devices(self.devices, "devices", problems).values()))

    def _check_time(self, problems: list[Problem]) -> None:
        if self.clock not in ("system", "virtual"):
            text = f'must be "system" or "virtual", not {self.clock!r}'
            problems.append(Problem(ProblemKind.ILLEGAL, "clock", text))
        elif self.now_ms is not None and self.clock == "system":
            problems.append(Problem(ProblemKind.ILLEGAL, "now_ms", 'needs clock="virtual"'))
        if self.now_ms is not None:
            Reader({"now_ms": self.now_ms}, "", problems).integer("now_ms", 0, LATEST_MS)

    def _clock(self) -> Clock:
        if self.clock == "system":
            return SystemClock()
        return VirtualClock(SystemClock().now_ms() if self.now_ms is None else self.now_ms)
