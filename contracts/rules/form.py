"""Rules of the form of a request, as the vendor's page of the endpoint documents it.

Each judges one property of a call and tolerates defects of the others, so that one defect breaks one rule: a field is
found under any spelling of its name, and a number that is written as text breaks FORM-TYPES only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.run.run import Run
from contracts.run.syncs import Sync
from mock_server.faults.catalogue import FaultKind
from mock_server.history.index import Call
from mock_server.model import AskedEntry, Cell, DataType, JsonObject
from mock_server.problems import type_name
from mock_server.wire.errors import ErrorCode
from mock_server.wire.paths import SYNC_PREFIX, SYNC_SUFFIX
from mock_server.wire.sync_asked import CAMEL, FIELD_NAMES, SNAKE, squashed
from mock_server.words import cell_text

RULES = RuleBook("The form of a request")

INFOS = "record_sync_infos"
MOST_INFOS = 48
"""The most entries that a request should have: two days of one direction, or one day of both."""

AT_ONCE_MS = 600_000
"""Requests about a lot within ten minutes count as one batch."""

_ABSENT: Any = object()


def find(fields: JsonObject, name: str) -> Any:
    """The value of a field in its fields by name; `_ABSENT` if there is none."""
    return fields.get(name, _ABSENT)


def named(raw: JsonObject) -> JsonObject:
    """Fields by their names in snake case, under any spelling: the first of two spellings of one name."""
    found: JsonObject = {}
    for key, value in raw.items():
        found.setdefault(FIELD_NAMES.get(squashed(key), key), value)
    return found


def is_missing(value: Any) -> bool:
    """Whether a field is absent or null."""
    return value is _ABSENT or value is None


def posts(run: Run) -> list[Sync]:
    """The calls of records/sync by POST."""
    return [sync for sync in run.syncs if sync.call.request.method == "POST"]


class Body(NamedTuple):
    """A call of records/sync with a JSON object as body: its fields by name, and those of each object in its list."""

    sync: Sync
    fields: JsonObject
    items: list[JsonObject]


def bodies(run: Run) -> list[Body]:
    """The calls of records/sync with a JSON object as body."""
    return [Body(sync, named(sync.fields), items_of(sync)) for sync in run.once(posts) if sync.fields is not None]


def items_of(sync: Sync) -> list[JsonObject]:
    """The fields by name of each object in the list of a body, or of the object that a body has instead of a list."""
    entries = zip(sync.entries, sync.entry_fields, strict=True)
    return [fields if entry.raw is None else named(fields) for entry, fields in entries if is_object(entry)]


def is_object(entry: AskedEntry) -> bool:
    """Whether an entry is an object: a plain one has no `raw`."""
    return isinstance(entry.raw, dict) or (entry.raw is None and entry.cell is not None)


def items(run: Run) -> list[tuple[Sync, Any, JsonObject]]:
    """Every object in a list, with its call before it and its data type."""
    return [
        (sync, find(item if is_missing(find(body, "data_type")) else body, "data_type"), item)
        for sync, body, found in run.once(bodies)
        for item in found
    ]


def firsts(breaches: Iterator[Breach]) -> Iterator[Breach]:
    """The first breach of each call."""
    seen: set[int] = set()
    for breach in breaches:
        if breach.seq not in seen:
            seen.add(breach.seq)
            yield breach


@RULES.rule(
    "FORM-PATH",
    "must",
    "documented",
    statement="A sync is a POST to /v1.0/parking-control/{device_id}/records/sync with the device id of a lot.",
    why="Records name the lane device that saw them, but only the lot keeps records and can count them.",
    spares="Asking one lot only, or lots in any order. A lane device that the client was told of as a lot does "
    "not count.",
)
def path(run: Run) -> Outcome:
    """Every path is right and has a lot's id. Exercised if a lot is asked after a record of it named a lane device."""
    with_lane = [
        (each.seq, each.device_id)
        for each in run.deliveries
        if each.readable and each.record and each.record.kept.details.get("lane_device_id")
    ]
    asked = (any(seq < sync.seq and lot == sync.device_id for seq, lot in with_lane) for sync in run.syncs)
    return judged(any(asked), (Breach(fault, call.seq) for call in run.calls if (fault := _path_fault(run, call))))


def _path_fault(run: Run, call: Call) -> str:
    method, sent = call.request.method, call.request.path
    missed = call.code == ErrorCode.URI_PATH_INVALID and "parking" in sent.lower()
    if "records/sync" not in sent.lower() and not missed:
        return ""
    device_id = sent[len(SYNC_PREFIX) : -len(SYNC_SUFFIX)]
    if sent != f"{SYNC_PREFIX}{device_id}{SYNC_SUFFIX}" or "/" in device_id:
        return f"asked {sent}, which is not the path of records/sync"
    if method != "POST":
        return f"used {method} where POST is right"
    return _device_fault(run, device_id)


def _device_fault(run: Run, device_id: str) -> str:
    device = run.devices.get(device_id)
    if device is None:
        return f"asked device {device_id}, which the project does not have"
    return "" if device.device_kind == "lot" else f"asked device {device_id}, which is a {device.device_kind} device"


@RULES.rule(
    "FORM-CASE",
    "must",
    "documented",
    statement="A body spells its keys in one way throughout, snake case or camel case.",
    why="The vendor's page shows both spellings; a mixture is in neither, and fields of it are not found.",
    spares="Either spelling, for good. Going on with the other one where the cloud refuses the first is "
    "FORM-CASE-ADAPTS.",
)
def case(run: Run) -> Outcome:
    """One spelling throughout."""
    return judged(run.once(items), firsts(_case_breaches(run)))


def _used_keys(sync: Sync) -> tuple[list[str], list[str], list[str]]:
    """All keys of a body, and those of them in snake case and in camel case."""
    raw = [entry.raw for entry in sync.entries if isinstance(entry.raw, dict)]
    keys = chain(sync.fields or (), *raw)  # without raw: spelt like the list
    used = [*dict.fromkeys(keys)]
    return used, [key for key in used if key in SNAKE.keys], [key for key in used if key in CAMEL.keys]


def _case_breaches(run: Run) -> Iterator[Breach]:
    for sync, *_ in run.once(bodies):
        used, snake, camel = _used_keys(sync)
        odd = [key for key in used if squashed(key) in FIELD_NAMES and key not in (*SNAKE.keys, *CAMEL.keys)]
        if odd:
            yield Breach(f"spelt {FIELD_NAMES[squashed(odd[0])]} as {odd[0]}", sync.seq)
        elif snake and camel:
            yield Breach(f"mixed {snake[0]} with {camel[0]}", sync.seq)


@RULES.rule(
    "FORM-CASE-ADAPTS",
    "should",
    "derived",
    statement="Where this cloud refuses one spelling of keys, the client goes on with the other.",
    why="The vendor's tables have snake case, its examples camel case, and no page says that a cloud takes both.",
)
def case_adapts(run: Run) -> Outcome:
    """A spelling that this cloud refuses may be tried until it has been refused once."""
    spelling = run.profile.key_spelling
    return judged(spelling != "either" and run.once(items), firsts(_unadapted(run)))


def _unadapted(run: Run) -> Iterator[Breach]:
    refused_seq: int | None = None
    for sync, *_ in run.once(bodies):
        _, snake, camel = _used_keys(sync)
        if (camel if run.profile.key_spelling == "snake" else snake) and run.profile.key_spelling != "either":
            if refused_seq is not None and refused_seq < sync.seq:
                text = f"spelt its keys otherwise than in {run.profile.key_spelling} case after that was refused"
                yield Breach(text, sync.seq)
            elif sync.call.code == ErrorCode.PARAM_ILLEGAL:
                refused_seq = sync.call.answer_seq


@RULES.rule(
    "FORM-TYPES",
    "must",
    "documented",
    statement="Counts, times, types and directions are JSON integers, and both times are there.",
    why="The fields are Integer and Long: a text, a number with a point or true is refused, or worse, misread.",
    spares="Any number of further fields. A missing total_count, type or direction is judged by its own rule.",
)
def types(run: Run) -> Outcome:
    """Every field is an integer if present, and both times are. Other rules judge other missing fields."""
    return judged(run.once(items), firsts(_type_breaches(run)))


def _type_breaches(run: Run) -> Iterator[Breach]:
    for sync, body, found in run.once(bodies):
        for fields in (body, *found):
            for name in ("data_type", "total_count", "start_time", "end_time", "pass_direction"):
                value = fields.get(name)
                if value is not None and type(value) is not int:
                    yield Breach(f"{name} is {value!r:.40}, {type_name(value)}, and no integer", sync.seq)
    for sync, _, item in run.once(items):
        for name in ("start_time", "end_time"):
            if is_missing(find(item, name)):
                yield Breach(f"an entry has no {name}", sync.seq)


@RULES.rule(
    "FORM-DATATYPE",
    "must",
    "documented",
    statement="data_type is 0 or 1, once in each request, beside the list and not in its entries.",
    why="A request is about passes or about bills: the type belongs to all of its entries.",
    spares="One request for passes and another for bills, or passes alone: reconciling bills is optional.",
)
def data_type(run: Run) -> Outcome:
    """Exercised by any request with a JSON object."""
    return judged(
        run.once(bodies),
        (Breach(fault, body.sync.seq) for body in run.once(bodies) if (fault := _data_type_fault(body))),
    )


def _data_type_fault(body: Body) -> str:
    value = find(body.fields, "data_type")
    if any(find(item, "data_type") is not _ABSENT for item in body.items):
        return "data_type is in the entries of the list; it belongs beside the list"
    if is_missing(value):
        return "there is no data_type"
    is_odd = type(value) is int and value not in (DataType.PASS, DataType.BILL)
    return f"data_type is {value}; there are only 0, passes, and 1, bills" if is_odd else ""


@RULES.rule(
    "FORM-DIRECTION",
    "must",
    "documented",
    statement="Each entry about passes has a pass_direction, 0 for entering or 1 for leaving.",
    why="The lot counts the two directions apart and cannot know which one is meant.",
    spares="Asking about one direction in a request of its own. That the other one is asked about too is WIN-ZERO.",
)
def direction(run: Run) -> Outcome:
    """Exercised by any entry about passes."""
    of_passes = [(sync, find(item, "pass_direction")) for sync, kind, item in run.once(items) if kind == DataType.PASS]
    return judged(of_passes, firsts(_direction_breaches(of_passes)))


def _direction_breaches(of_passes: list[tuple[Sync, Any]]) -> Iterator[Breach]:
    for sync, value in of_passes:
        if is_missing(value):
            yield Breach("an entry about passes has no pass_direction", sync.seq)
        elif type(value) is int and value not in (0, 1):
            yield Breach(f"pass_direction is {value}; there are only 0 and 1", sync.seq)


@RULES.rule(
    "FORM-NO-DIRECTION",
    "info",
    "documented",
    statement="Entries about bills have no pass_direction.",
    why="Nobody drives through a bill: the page requires a direction for passes only, and a cloud may refuse it.",
)
def no_direction(run: Run) -> Outcome:
    """Exercised by any entry about bills."""
    of_bills = [(sync, find(item, "pass_direction")) for sync, kind, item in run.once(items) if kind == DataType.BILL]
    given = ((sync, value) for sync, value in of_bills if value is not _ABSENT)
    return judged(
        of_bills, firsts(Breach(f"an entry about bills has pass_direction {value}", sync.seq) for sync, value in given)
    )


@RULES.rule(
    "FORM-LIST",
    "must",
    "documented",
    statement="record_sync_infos is a list of at least one object.",
    why="The field is a List; an empty one asks nothing, and a bare object is none.",
    spares="One entry a request, or many.",
)
def is_list(run: Run) -> Outcome:
    """Exercised by any request with a JSON object."""
    return judged(
        run.once(bodies),
        (
            Breach(fault, sync.seq)
            for sync, body, _ in run.once(bodies)
            if (fault := _list_fault(sync, find(body, INFOS)))
        ),
    )


def _list_fault(sync: Sync, value: Any) -> str:
    if is_missing(value):
        return f"there is no {INFOS}"
    if not isinstance(value, list):
        return f"{INFOS} is {type_name(value)} and no list"
    if not sync.total:
        return f"{INFOS} is empty"
    wrong = next((entry for entry in sync.entries if not is_object(entry)), None)
    return "" if wrong is None else f"{INFOS} has {type_name(wrong.raw)} for an entry"


@RULES.rule(
    "FORM-COUNT",
    "must",
    "documented",
    statement="Each entry has a total_count of 0 or more; none is written as 0.",
    why="A count that is left out is no count: what was lost from a window without records would never be missed.",
    spares="A count of 0 written as a number. How it comes about is not judged here.",
)
def count(run: Run) -> Outcome:
    """Exercised by a count of 0: serialisers leave it out."""
    counts = [(sync, find(item, "total_count")) for sync, _, item in run.once(items)]
    return judged(any(value == 0 for _, value in counts), firsts(_count_breaches(counts)))


def _count_breaches(counts: list[tuple[Sync, Any]]) -> Iterator[Breach]:
    for sync, value in counts:
        if is_missing(value):
            yield Breach("an entry has no total_count", sync.seq)
        elif type(value) is int and value < 0:
            yield Breach(f"total_count is {value}", sync.seq)


@RULES.rule(
    "FORM-UNIQUE",
    "should",
    "derived",
    statement="No cell is in one request twice.",
    why="The lot compares each entry: twice the work, and two answers if the counts differ.",
)
def unique(run: Run) -> Outcome:
    """Exercised by a request with several entries."""
    return judged(
        any(len(sync.cells) > 1 for sync in run.syncs),
        (Breach(f"asked twice about {cell_text(cell)}", sync.seq) for sync in run.syncs for cell in _repeated(sync)),
    )


def _repeated(sync: Sync) -> list[Cell]:
    return [cell for cell, times in Counter(sync.cells).items() if times > 1]


@RULES.rule(
    "FORM-BATCH",
    "info",
    "practice",
    statement=f"A request has {MOST_INFOS} entries at most.",
    why="The longest list is not documented: one that grows with every hour of downtime will hit the limit one day.",
)
def batch(run: Run) -> Outcome:
    """Exercised where a lot is asked about more than `MOST_INFOS` entries within ten minutes."""
    asked = run.once(posts)
    long = (sync for sync in asked if sync.total > MOST_INFOS)
    found = (Breach(f"sent {sync.total} entries in one request", sync.seq) for sync in long)
    return judged(_has_much_to_ask(asked), found)


def _has_much_to_ask(syncs: list[Sync]) -> bool:
    asked: dict[tuple[str, Any], list[tuple[int, int]]] = defaultdict(list)
    for sync in syncs:
        line = (sync.device_id, repr(find(named(sync.fields or {}), "data_type")))
        asked[line].append((sync.time, sync.total))
        if sum(n for time, n in asked[line] if time > sync.time - AT_ONCE_MS) > MOST_INFOS:
            return True
    return False


@RULES.rule(
    "FORM-JSON",
    "must",
    "documented",
    statement="The body is a JSON object in UTF-8, announced as application/json, and signed as it is sent.",
    why="The signature covers the bytes of the body: another serialisation of the same value is another body.",
    spares="Any order of keys, any white space, escapes or plain UTF-8. A client whose every signature is "
    "wrong is judged by SEC-SIGN.",
)
def json_body(run: Run) -> Outcome:
    """A refused signature is held against the body only if a call without a body was accepted before."""
    signed_well = next((call.answer_seq for call in run.token_calls if call.taken), None)
    found = (
        Breach(fault, sync.seq)
        for sync in run.once(posts)
        if (fault := _json_fault(run, sync, is_signer=signed_well is not None and signed_well < sync.seq))
    )
    return judged(any(sync.fields is not None for sync in run.once(posts)), found)


def _json_fault(run: Run, sync: Sync, *, is_signer: bool) -> str:
    if sync.call.code == ErrorCode.CONTENT_TYPE_NOT_SUPPORTED:
        return "the content type is not application/json"
    if sync.fields is None:
        return "the body is no JSON object in UTF-8"
    if (
        sync.call.code == ErrorCode.SIGN_INVALID
        and is_signer
        and FaultKind.ANSWER_REFUSE not in run.faults_of(sync.call)
    ):
        return "signs calls without a body well, and this one not: the very bytes that are sent must be signed"
    return ""
