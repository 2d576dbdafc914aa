"""Chaos: random faults, bounded, repeatable from one seed.

Two draws, as in FoundationDB's simulation: which kinds of fault a run has, and at which occasions they strike. At most
two faults in a row strike one logical operation, so three tries succeed; a budget bounds the number of all faults.
"""

from dataclasses import dataclass

from msgspec import Struct

from mock_server.faults.catalogue import CATALOGUE, FaultKind
from mock_server.faults.faults import Occasion, Strike
from mock_server.model import DataType, JsonObject
from mock_server.problems import Problem, ProblemKind, Reader, type_name
from mock_server.state.journal import Number
from mock_server.state.repeatable import RepeatableRandom

MAX_CONSECUTIVE = 2
"""The most faults in a row that strike one logical operation."""

MAX_BUDGET = 10**9
"""The largest budget that the lab API accepts."""

BUSY_CODES = (1110, 1111, 1199)
UNKNOWN_CODES = (90_210, 40_001_999, 1_777)
"""The codes that `answer.busy` and `answer.unknown_code` choose from."""

TOKEN_KINDS = (FaultKind.TOKEN_EXPIRE, FaultKind.TOKEN_REVOKE)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named chaos: the probability that a run has a kind, the budget, and each kind's probability at an occasion."""

    activation: float
    budget: int
    rates: dict[str, float]


_GENTLE: dict[str, float] = {
    FaultKind.UPLINK_DUPLICATE: 0.05,
    FaultKind.UPLINK_SWAP: 0.05,
    FaultKind.UPLINK_LOSE: 0.01,
    FaultKind.REREPORT_SHUFFLE: 0.25,
    FaultKind.ANSWER_BUSY: 0.02,
    FaultKind.MESSAGE_UNKNOWN_FIELDS: 0.05,
    FaultKind.ANSWER_UNKNOWN_FIELDS: 0.05,
}
_DEFAULT: dict[str, float] = _GENTLE | {
    FaultKind.UPLINK_DUPLICATE: 0.10,
    FaultKind.UPLINK_SWAP: 0.10,
    FaultKind.UPLINK_DELAY: 0.02,
    FaultKind.UPLINK_LOSE: 0.02,
    FaultKind.REREPORT_SHUFFLE: 0.5,
    FaultKind.REREPORT_SPREAD: 0.25,
    FaultKind.ANSWER_BUSY: 0.05,
    FaultKind.ANSWER_LOSE: 0.02,
    FaultKind.TOKEN_EXPIRE: 0.01,
    FaultKind.SOCKET_CLOSE: 0.005,
    FaultKind.MESSAGE_UNKNOWN_FIELDS: 0.10,
    FaultKind.MESSAGE_UNKNOWN_EVENT: 0.02,
    FaultKind.RECORD_NO_PLATE: 0.03,
    FaultKind.RECORD_ZERO_FEE: 0.03,
    FaultKind.RECORD_UNKNOWN_ENUM: 0.03,
}
_ROUGH = {kind: min(0.5, rate * 3) for kind, rate in _DEFAULT.items()} | {
    FaultKind.REREPORT_LOSE: 0.10,
    FaultKind.REREPORT_DUPLICATE: 0.10,
    FaultKind.REREPORT_DELAY: 0.10,
    FaultKind.COMMAND_LOSE: 0.05,
    FaultKind.ANSWER_LATE: 0.02,
    FaultKind.ANSWER_ERROR: 0.03,
    FaultKind.ANSWER_UNKNOWN_CODE: 0.03,
    FaultKind.ANSWER_NOT_JSON: 0.02,
    FaultKind.ANSWER_NO_RESULT: 0.02,
    FaultKind.ANSWER_EMPTY: 0.02,
    FaultKind.ANSWER_TRUNCATED: 0.02,
    FaultKind.TOKEN_REVOKE: 0.02,
    FaultKind.TIME_REFUSE: 0.02,
    FaultKind.DEVICE_OFFLINE: 0.03,
    FaultKind.MESSAGE_FLIP_BIT: 0.02,
    FaultKind.RECORD_CORRECT: 0.02,
}

PRESETS = {
    "off": Preset(0.0, 0, {}),
    "gentle": Preset(0.75, 100, _GENTLE),
    "default": Preset(0.75, 400, _DEFAULT),
    "rough": Preset(1.0, 5_000, _ROUGH),
}
"""The presets. None has `record.delete`, after which no client can agree with the lot, or
`answer.refuse` and `token.region`, after which a client may stop; nor what strikes the work of a client's queue
library (`consumer.close`, `subscribe.refuse`, `ack.lose`, `message.bad-checksum`): most clients leave all of it to the
library, so that chance would show little, and a lost acknowledgement keeps a project busy for a minute."""


class ChaosProgress(Struct, frozen=True, gc=False):
    """A run of chaos and how far it has come: faults used, and words drawn of its random source."""

    preset: str
    seed: int
    budget: int
    used: int
    drawn: int


class Chaos:
    """A run of one preset: `rates` of the kinds that it has, by kind, and the faults `used` of its `budget`."""

    def __init__(self, preset: str, seed: int, budget: int | None = None) -> None:
        chosen = PRESETS[preset]
        self.preset = preset
        self.seed = seed
        self.budget = chosen.budget if budget is None else budget
        self.used = 0
        self._random = RepeatableRandom(seed)
        self.rates = {kind: rate for kind, rate in chosen.rates.items() if self._random.random() < chosen.activation}
        self._by_site: dict[str, list[tuple[str, float]]] = {}
        for kind, rate in self.rates.items():
            self._by_site.setdefault(CATALOGUE[kind].site, []).append((kind, rate))
        self._progress: Number | None = None

    def again(self) -> "Chaos":
        """The same run, from its beginning."""
        return Chaos(self.preset, self.seed, self.budget)

    def note_progress_in(self, number: Number) -> None:
        """Note how far it has come, now and from now on, as a `ChaosProgress`."""
        self._progress = number
        self._note_progress()

    @property
    def progress(self) -> ChaosProgress:
        """How far it has come."""
        return ChaosProgress(self.preset, self.seed, self.budget, self.used, self._random.value)

    def _note_progress(self) -> None:
        if self._progress is not None:
            self._progress.value = self.progress

    @classmethod
    def at(cls, progress: "ChaosProgress") -> "Chaos":
        """The run that has come so far."""
        chaos = cls(progress.preset, progress.seed, progress.budget)
        chaos.used = progress.used
        chaos._random.go_to(progress.drawn)
        return chaos

    def draw(self, occasion: Occasion, consecutive: int, worst: int) -> Strike | None:
        """A fault for this occasion, or None. None when the budget or `MAX_CONSECUTIVE` is reached.

        `consecutive` faults have struck the operation in a row, and `worst` is the most that have struck any call.
        """
        if self.used >= self.budget or consecutive >= MAX_CONSECUTIVE:
            return None
        strike = self._drawn(occasion, worst)
        self._note_progress()
        return strike

    def _drawn(self, occasion: Occasion, worst: int) -> Strike | None:
        for kind, rate in self._by_site.get(occasion.site, ()):
            if self._random.random() < rate and self._is_allowed(kind, occasion, worst):
                self.used += 1
                return Strike(kind, self._value(kind))
        return None

    def to_json(self) -> JsonObject:
        """The run in JSON, in the form of the lab API."""
        return {
            "preset": self.preset,
            "seed": self.seed,
            "budget": self.budget,
            "used": self.used,
            "kinds": list(self.rates),
        }

    def _is_allowed(self, kind: str, occasion: Occasion, worst: int) -> bool:
        """Whether a kind may strike at this occasion."""
        # An invalid token fails whichever call comes next: no call may be at the bound of faults in a row already.
        if kind in TOKEN_KINDS:
            return worst < MAX_CONSECUTIVE
        if kind in (FaultKind.COMMAND_LOSE, FaultKind.DEVICE_OFFLINE):
            return occasion.device_id is not None
        return kind != FaultKind.RECORD_ZERO_FEE or occasion.data_type == DataType.BILL

    def _value(self, kind: str) -> int:
        """The parameter of a strike: a code, or a time up to the kind's default in milliseconds, or 0."""
        if kind == FaultKind.ANSWER_BUSY:
            return self._random.choice(BUSY_CODES)
        if kind == FaultKind.ANSWER_UNKNOWN_CODE:
            return self._random.choice(UNKNOWN_CODES)
        default = CATALOGUE[kind].default
        return self._random.randint(default // 10, default) if default else 0


def read_chaos(data: object, path: str, problems: list[Problem], default_seed: int) -> Chaos | None:
    """Chaos from `"rough"` or `{"preset", "seed"?, "budget"?}`, or None with its problems noted."""
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
        reader.note(ProblemKind.RANGE, "preset", f"must be one of {', '.join(PRESETS)}, not {preset}")
    seed = reader.integer("seed", required=False)
    budget = reader.integer("budget", 0, MAX_BUDGET, required=False)
    if len(problems) > noted or preset is None:
        return None
    return Chaos(preset, default_seed if seed is None else seed, budget)
