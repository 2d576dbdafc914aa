"""Validates the body of records/sync: key spelling, and presence, type and range of each field.

The fields are documented; what the page leaves open is a choice of the profile (A1, A8, A10).
"""

from mock_server.model import INT64_MAX, MAX_WINDOW_MS, AskedEntry, Cell, DataType, PassDirection, SyncInfo
from mock_server.problems import Problem, ProblemKind, Reader, type_name
from mock_server.profile import Profile
from mock_server.wire.errors import error_for
from mock_server.wire.sync_asked import CAMEL, SNAKE, EntryReader, Spelling


def read_sync_request(body: object, device_id: str, profile: Profile, now_ms: int) -> tuple[SyncInfo, ...]:
    """The sync infos of a body, in its order; `now_ms` is the project's time. VendorError names every problem."""
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
    """The spelling of a body. None, with the problem noted, if it mixes both or uses one that the profile refuses."""
    used = _keys_in_use(body)
    snake, camel = used.keys() & SNAKE.keys, used.keys() & CAMEL.keys
    if snake and camel:
        first_snake, first_camel = (next(key for key in used if key in keys) for keys in (snake, camel))
        mixed = f"mixes {first_snake} with {first_camel}: use one spelling throughout"
        problems.append(Problem(ProblemKind.ILLEGAL, "body", mixed))
        return None
    spelling = CAMEL if camel or profile.key_spelling == "camel" else SNAKE
    if (camel and profile.key_spelling == "snake") or (snake and profile.key_spelling == "camel"):
        problems.append(Problem(ProblemKind.ILLEGAL, "body", f"must spell its keys in {profile.key_spelling} case"))
        return None
    return spelling


def _keys_in_use(body: dict[str, object]) -> dict[str, object]:
    """The keys of the body and of its sync infos, each once, in order."""
    used = dict(body)
    for name in (SNAKE.record_sync_infos, CAMEL.record_sync_infos):
        infos = body.get(name)
        for info in infos if isinstance(infos, list) else ():
            used.update(info if isinstance(info, dict) else {})
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
        entries = EntryReader(self._device_id, body.get(self._keys.data_type), self._keys)
        infos = [
            self._valid(entries.read(item)) or self._read_item(item, place, data_type)
            for place, item in enumerate(items)
        ]
        if self._profile.duplicate_infos == "refuse":
            self._refuse_duplicates(infos)
        return tuple(info for info in infos if info is not None)

    def _valid(self, entry: AskedEntry) -> SyncInfo | None:
        """The sync info of a valid entry; None for one that `_read_item` must read to name its problems."""
        if entry.raw is not None or entry.cell is None or not isinstance(entry.claimed, int):
            return None
        cell, claimed = entry.cell, entry.claimed
        is_valid = 0 <= claimed <= INT64_MAX and cell.start_time >= 0 and cell.end_time <= INT64_MAX
        is_valid = is_valid and not self._window_problem(cell.start_time, cell.end_time)
        return SyncInfo(cell, claimed) if is_valid else None

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
        if start is not None and end is not None and (text := self._window_problem(start, end)):
            reader.note(ProblemKind.RANGE, self._keys.end_time, text)
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

    def _window_problem(self, start: int, end: int) -> str:
        """The problem of a window as the end of a sentence about its end time; empty for a valid one."""
        if end <= start:
            return f"must be after {self._keys.start_time}"
        if end - start > MAX_WINDOW_MS:
            over = end - start - MAX_WINDOW_MS
            return f"must be at most 24 hours after the start; it is {over} ms more"
        is_early = self._profile.future_window == "refuse" and end > self._now_ms
        return "must not lie in the future" if is_early else ""

    def _refuse_duplicates(self, infos: list[SyncInfo | None]) -> None:
        seen: dict[Cell, int] = {}
        for place, info in enumerate(infos):
            if info is not None and seen.setdefault(info.cell, place) != place:
                path = f"{self._keys.record_sync_infos}[{place}]"
                self._note(ProblemKind.ILLEGAL, path, f"repeats item {seen[info.cell]}")

    def _note(self, kind: ProblemKind, path: str, text: str) -> None:
        self._problems.append(Problem(kind, path, text))
