"""Chaos: faults at random, bounded, from one seed.

Two levels, as FoundationDB does it: first it is drawn which kinds of fault this run has, then when they strike. At
most two faults in a row hit one logical operation, so whoever tries three times gets through; the number of all
faults is bounded by a budget known in advance.
"""

from dataclasses import dataclass
from random import Random

from mock_server.faults.faults import CATALOGUE, Occasion, Strike
from mock_server.model import DataType, JsonObject
from mock_server.problems import Problem, ProblemKind, Reader, type_name

MAX_CONSECUTIVE = 2
"""How many faults in a row may hit one logical operation."""

MAX_BUDGET = 10**9

BUSY_CODES = (1110, 1111, 1199)
UNKNOWN_CODES = (90_210, 40_001_999, 1_777)
TOKEN_KINDS = ("token.expire", "token.revoke")


@dataclass(frozen=True, slots=True)
class Preset:
    """A named chaos: how likely each kind is to be part of a run, how often it then strikes, and at most how often."""

    activation: float
    budget: int
    rates: dict[str, float]


_GENTLE = {
    "uplink.duplicate": 0.05,
    "uplink.swap": 0.05,
    "uplink.lose": 0.01,
    "rereport.shuffle": 0.25,
    "answer.busy": 0.02,
    "message.unknown-fields": 0.05,
    "answer.unknown-fields": 0.05,
}
_DEFAULT = _GENTLE | {
    "uplink.duplicate": 0.10,
    "uplink.swap": 0.10,
    "uplink.delay": 0.02,
    "uplink.lose": 0.02,
    "rereport.shuffle": 0.5,
    "rereport.spread": 0.25,
    "answer.busy": 0.05,
    "answer.lose": 0.02,
    "token.expire": 0.01,
    "socket.close": 0.005,
    "message.unknown-fields": 0.10,
    "message.unknown-event": 0.02,
    "record.no-plate": 0.03,
    "record.zero-fee": 0.03,
    "record.unknown-enum": 0.03,
}
_ROUGH = {kind: min(0.5, rate * 3) for kind, rate in _DEFAULT.items()} | {
    "rereport.lose": 0.10,
    "rereport.duplicate": 0.10,
    "rereport.delay": 0.10,
    "command.lose": 0.05,
    "answer.late": 0.02,
    "answer.error": 0.03,
    "answer.unknown-code": 0.03,
    "answer.not-json": 0.02,
    "answer.no-result": 0.02,
    "answer.empty": 0.02,
    "answer.truncated": 0.02,
    "token.revoke": 0.02,
    "time.refuse": 0.02,
    "device.offline": 0.03,
    "message.flip-bit": 0.02,
    "record.correct": 0.02,
}

PRESETS = {
    "off": Preset(0.0, 0, {}),
    "gentle": Preset(0.75, 100, _GENTLE),
    "default": Preset(0.75, 400, _DEFAULT),
    "rough": Preset(1.0, 5_000, _ROUGH),
}
"""The named chaos presets. None has `record.delete`, after which no client can ever agree with the lot, or
`answer.refuse`, which tells a client to stop."""


class Chaos:
    """A run of one preset: which kinds are part of it, and what is left of its budget."""

    def __init__(self, preset: str, seed: int, budget: int | None = None) -> None:
        chosen = PRESETS[preset]
        self.preset = preset
        self.seed = seed
        self.budget = chosen.budget if budget is None else budget
        self.used = 0
        self._random = Random(seed)  # noqa: S311 repeatable from a seed
        self.rates = {kind: rate for kind, rate in chosen.rates.items() if self._random.random() < chosen.activation}
        self._by_site: dict[str, list[tuple[str, float]]] = {}
        for kind, rate in self.rates.items():
            for site in CATALOGUE[kind].sites:
                self._by_site.setdefault(site, []).append((kind, rate))

    def again(self) -> "Chaos":
        """The same run from its beginning."""
        return Chaos(self.preset, self.seed, self.budget)

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:
        """At most one fault for this occasion, none when a bound is reached."""
        if self.used >= self.budget or consecutive >= MAX_CONSECUTIVE:
            return None
        for kind, rate in self._by_site.get(occasion.site, ()):
            if self._random.random() < rate and self._may(kind, occasion, worst):
                self.used += 1
                return Strike(kind, self._value(kind))
        return None

    def to_json(self) -> JsonObject:
        """The run as the lab API tells it."""
        return {
            "preset": self.preset,
            "seed": self.seed,
            "budget": self.budget,
            "used": self.used,
            "kinds": list(self.rates),
        }

    def _may(self, kind: str, occasion: Occasion, worst: int) -> bool:
        """A dead token fails calls that this occasion does not know: none of them may be at the bound already."""
        if kind in TOKEN_KINDS:
            return worst < MAX_CONSECUTIVE
        if kind in ("command.lose", "device.offline"):
            return occasion.device_id is not None
        return kind != "record.zero-fee" or occasion.data_type == DataType.BILL

    def _value(self, kind: str) -> int:
        if kind == "answer.busy":
            return self._random.choice(BUSY_CODES)
        if kind == "answer.unknown-code":
            return self._random.choice(UNKNOWN_CODES)
        default = CATALOGUE[kind].default
        return self._random.randint(default // 10, default) if default else 0


def read_chaos(data: object, path: str, problems: list[Problem], default_seed: int) -> Chaos | None:
    """Chaos from `"rough"` or `{"preset", "seed"?, "budget"?}`, or None after noting what is wrong."""
    if isinstance(data, str):
        data = {"preset": data}
    if not isinstance(data, dict):
        text = f'must be a preset or {{"preset", "seed", "budget"}}, not {type_name(data)}'
        problems.append(Problem(ProblemKind.TYPE, path, text))
        return None
    noted = len(problems)
    reader = Reader(data, path, problems)
    reader.only(("preset", "seed", "budget"))
    preset = reader.text("preset", 1, 32)
    if preset is not None and preset not in PRESETS:
        reader.note(ProblemKind.RANGE, "preset", f"must be one of {', '.join(PRESETS)}")
    seed = reader.integer("seed", required=False)
    budget = reader.integer("budget", 0, MAX_BUDGET, required=False)
    if len(problems) > noted or preset is None:
        return None
    return Chaos(preset, default_seed if seed is None else seed, budget)
