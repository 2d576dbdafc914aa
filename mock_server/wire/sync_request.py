"""The body of records/sync: both key spellings, every field's presence, type and range (documented, A1, A8, A10)."""

from dataclasses import dataclass
from functools import cached_property

from mock_server.model import MAX_WINDOW_MS, Cell, DataType, PassDirection, SyncInfo
from mock_server.problems import Problem, ProblemKind, Reader, type_name
from mock_server.profile import Profile
from mock_server.wire.errors import error_for


@dataclass(frozen=True)
class Spelling:
    """The body's keys in one spelling: the parameter tables use snake case, the examples camel case."""

    data_type: str
    record_sync_infos: str
    total_count: str
    start_time: str
    end_time: str
    pass_direction: str

    @cached_property
    def keys(self) -> frozenset[str]:
        """All six keys."""
        items = (self.total_count, self.start_time, self.end_time, self.pass_direction)
        return frozenset((self.data_type, self.record_sync_infos, *items))


SNAKE = Spelling("data_type", "record_sync_infos", "total_count", "start_time", "end_time", "pass_direction")
CAMEL = Spelling("dataType", "recordSyncInfos", "totalCount", "startTime", "endTime", "passDirection")


def read_sync_request(body: object, device_id: str, profile: Profile, now_ms: int) -> tuple[SyncInfo, ...]:
    """The sync infos of a body, in its order. A VendorError names every problem with its path."""
    problems: list[Problem] = []
    if not isinstance(body, dict):
        raise error_for([Problem(ProblemKind.TYPE, "body", f"must be an object, not {type_name(body)}")])
    spelling = _spelling(body, profile, problems)
    if spelling is None:
        raise error_for(problems)
    infos = _BodyReader(device_id, profile, now_ms, spelling, problems).read(body)
    if problems:
        raise error_for(problems)
    return infos


def _spelling(body: dict[str, object], profile: Profile, problems: list[Problem]) -> Spelling | None:
    """The one spelling of a body, or None when it mixes both or uses the one that the profile refuses."""
    used = list(_keys_in_use(body))
    snake = [key for key in used if key in SNAKE.keys]
    camel = [key for key in used if key in CAMEL.keys]
    if snake and camel:
        mixed = f"mixes {snake[0]} with {camel[0]}: use one spelling throughout"
        problems.append(Problem(ProblemKind.ILLEGAL, "body", mixed))
        return None
    spelling = CAMEL if camel or profile.key_spelling == "camel" else SNAKE
    if (camel and profile.key_spelling == "snake") or (snake and profile.key_spelling == "camel"):
        problems.append(Problem(ProblemKind.ILLEGAL, "body", f"must spell its keys in {profile.key_spelling} case"))
        return None
    return spelling


def _keys_in_use(body: dict[str, object]) -> dict[str, None]:
    """The keys of the body and of its sync infos, each once, in order."""
    used = dict.fromkeys(body)
    for name in (SNAKE.record_sync_infos, CAMEL.record_sync_infos):
        infos = body.get(name)
        for info in infos if isinstance(infos, list) else ():
            used.update(dict.fromkeys(info) if isinstance(info, dict) else {})
    return used


class _BodyReader:
    """Reads a body of one spelling and collects its problems."""

    def __init__(
        self, device_id: str, profile: Profile, now_ms: int, spelling: Spelling, problems: list[Problem]
    ) -> None:
        self._device_id = device_id
        self._profile = profile
        self._now_ms = now_ms
        self._keys = spelling
        self._problems = problems

    def read(self, body: dict[str, object]) -> tuple[SyncInfo, ...]:
        reader = Reader(body, "", self._problems)
        data_type = reader.choice(self._keys.data_type, (DataType.PASS, DataType.BILL))
        items = reader.items(self._keys.record_sync_infos, self._profile.max_sync_infos, low=1) or []
        infos = [self._read_item(item, place, data_type) for place, item in enumerate(items)]
        if self._profile.duplicate_infos == "refuse":
            self._refuse_duplicates(infos)
        return tuple(info for info in infos if info is not None)

    def _read_item(self, item: object, place: int, data_type: int | None) -> SyncInfo | None:
        path = f"{self._keys.record_sync_infos}[{place}]"
        if not isinstance(item, dict):
            self._note(ProblemKind.TYPE, path, f"must be an object, not {type_name(item)}")
            return None
        reader = Reader(item, path, self._problems)
        claimed = reader.integer(self._keys.total_count)
        start = reader.integer(self._keys.start_time)
        end = reader.integer(self._keys.end_time)
        direction = self._read_direction(reader, item, data_type)
        if start is not None and end is not None:
            self._check_window(reader, start, end)
        if claimed is None or start is None or end is None or data_type is None:
            return None
        return SyncInfo(Cell(self._device_id, DataType(data_type), direction, start, end), claimed)

    def _read_direction(self, reader: Reader, item: dict[str, object], data_type: int | None) -> PassDirection | None:
        name = self._keys.pass_direction
        if data_type == DataType.BILL:
            if name in item and self._profile.bill_direction == "refuse":
                reader.note(ProblemKind.ILLEGAL, name, "belongs to vehicle passes only")
            return None
        value = reader.choice(name, (PassDirection.ENTER, PassDirection.LEAVE), required=data_type is not None)
        return None if value is None else PassDirection(value)

    def _check_window(self, reader: Reader, start: int, end: int) -> None:
        name = self._keys.end_time
        if end <= start:
            reader.note(ProblemKind.RANGE, name, f"must be after {self._keys.start_time}")
        elif end - start > MAX_WINDOW_MS:
            over = end - start - MAX_WINDOW_MS
            reader.note(ProblemKind.RANGE, name, f"must be at most 24 hours after the start; it is {over} ms more")
        elif self._profile.future_window == "refuse" and end > self._now_ms:
            reader.note(ProblemKind.RANGE, name, "must not lie in the future")

    def _refuse_duplicates(self, infos: list[SyncInfo | None]) -> None:
        seen: dict[Cell, int] = {}
        for place, info in enumerate(infos):
            if info is not None and seen.setdefault(info.cell, place) != place:
                path = f"{self._keys.record_sync_infos}[{place}]"
                self._note(ProblemKind.ILLEGAL, path, f"repeats item {seen[info.cell]}")

    def _note(self, kind: ProblemKind, path: str, text: str) -> None:
        self._problems.append(Problem(kind, path, text))
