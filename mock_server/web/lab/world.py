"""Lab views of one project's state: devices, records, faults, chaos, time."""

import json
from collections.abc import Callable
from dataclasses import replace

from flask import Response, request

from mock_server.advance import Advance
from mock_server.clock import VirtualClock
from mock_server.doubts import doubts_of_code, doubts_of_record
from mock_server.faults.chaos import read_chaos
from mock_server.faults.faults import Fault, read_fault
from mock_server.lab_shapes import (
    MAX_DEVICES,
    MAX_RECORDS,
    ClockJson,
    ClockMove,
    DeviceChange,
    DeviceJson,
    IdleJson,
    NewSubscription,
    SubscriptionJson,
)
from mock_server.lots.seed import PROBLEMS_NAMED, NewRecord, device_to_json, read_device, read_record
from mock_server.model import LATEST_MS, DataType, Device, DeviceKind, JsonObject
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.project import Project
from mock_server.queue.queue import MAX_SUBSCRIPTIONS
from mock_server.queue.subscription import Subscription
from mock_server.shapes import read_shape
from mock_server.steps import Steps
from mock_server.web.lab.request import LabError, json_body, json_object, note_doubts, query_number, refuse_problems
from mock_server.web.serving.inline import MEMORY, wait_for, waited_ms, yield_turn
from mock_server.web.serving.turns import carry_through, in_turns

DEFAULT_TIMEOUT_MS = 5_000
MAX_TIMEOUT_MS = 60_000
"""The default and the longest wait of a call."""

MAX_FAULTS = 1_000
"""The most faults that one call directs (our choice)."""

MAX_STEPS = 50_000
"""The most timers that one move of a clock runs, some 5 s (our choice): with a consumer that never acknowledges, years
have millions of redeliveries."""

MAX_DIRECTED = 2_000
"""The most faults that a project has directed at one time (our choice): each record and each call asks all of them."""

Find = Callable[[str], Project]


class WorldViews:
    """The views. Each finds its project first, and carries out a request completely or not at all."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def list_devices(self, project_id: str) -> list[DeviceJson]:
        """`GET devices`."""
        return [device_to_json(device) for device in self._find(project_id).devices.values()]

    def add_device(self, project_id: str) -> tuple[DeviceJson, int]:
        """`POST devices`."""
        project = self._find(project_id)
        problems: list[Problem] = []
        body = json_body(optional=True)
        device = read_device(body, "body", problems, default_id=project.new_device_id())
        refuse_problems(problems)
        if len(project.devices) >= MAX_DEVICES:
            raise LabError(409, "too_many", f"there are {MAX_DEVICES} devices already")
        if device is None or device.device_id in project.devices:
            raise LabError(409, "device_exists", "there is such a device already: PATCH it instead")
        note_doubts(doubts_of_code(device.supplier_code))
        return device_to_json(project.put_device(device)), 201

    def change_device(self, project_id: str, device_id: str) -> DeviceJson:
        """`PATCH devices/{d}`: device_name, supplier_code, online."""
        project = self._find(project_id)
        device = _device(project, device_id)
        problems: list[Problem] = []
        change = read_shape(DeviceChange, Reader(json_object('{"online": false}'), "", problems))
        refuse_problems(problems)
        note_doubts(doubts_of_code(change.get("supplier_code", "")))
        changed = replace(device, **change)
        return device_to_json(project.put_device(changed))

    def list_subscriptions(self, project_id: str) -> list[SubscriptionJson]:
        """`GET subscriptions`."""
        return [_subscription_answer(each) for each in self._find(project_id).queue.named()]

    def add_subscription(self, project_id: str) -> tuple[SubscriptionJson, int]:
        """`POST subscriptions`: as at the vendor's console; it gets the messages published from then on."""
        project = self._find(project_id)
        problems: list[Problem] = []
        asked = read_shape(NewSubscription, Reader(json_object('{"suffix": "mine"}'), "", problems))
        refuse_problems(problems)
        topic, name = asked.get("topic") or "event", f"{project.access_id}-{asked['suffix']}"
        if project.queue.has_subscription(topic, name):
            raise LabError(409, "subscription_exists", "there is such a subscription already")
        if project.queue.is_full:
            raise LabError(409, "too_many", f"there are {MAX_SUBSCRIPTIONS} subscriptions already")
        return _subscription_answer(project.queue.make(topic, name)), 201

    def add_records(self, project_id: str, device_id: str) -> tuple[Response, int]:
        """`POST devices/{d}/records`: one record or a list of them, all or none."""
        project = self._find(project_id)
        device = _device(project, device_id)
        if device.kind is not DeviceKind.LOT:
            raise LabError(409, "not_a_lot", f"{device_id} is a lane device: records belong to a lot")
        content = in_turns(request.environ, lambda: _add_records(project, device, json_body()))
        return Response(content, content_type="application/json"), 201

    def remove_record(self, project_id: str, device_id: str, record_id: str) -> tuple[str, int]:
        """`DELETE devices/{d}/records/{record_id}?data_type=`: remove a record; no message says so."""
        project = self._find(project_id)
        device = _device(project, device_id)
        data_type = query_number("data_type", DataType.PASS, DataType.BILL)
        if not project.lots.remove((device.device_id, DataType(data_type), record_id)):
            raise LabError(404, "no_record", "there is no such record: is it of the other data_type?")
        return "", 204

    def list_faults(self, project_id: str) -> JsonObject:
        """`GET faults`: the directed faults, the run of chaos, and the strikes by kind."""
        project = self._find(project_id)
        return {
            "directed": [_fault_answer(fault, struck) for fault, struck in project.faults.armed()],
            "chaos": project.chaos.to_json(),
            "struck": project.faults.struck,
        }

    def add_faults(self, project_id: str) -> tuple[JsonObject | list[JsonObject], int]:
        """`POST faults`: one fault or a list of them, all or none."""
        project = self._find(project_id)
        body = json_body()
        problems: list[Problem] = []
        items = body if isinstance(body, list) else [body]
        if len(items) > MAX_FAULTS:
            raise LabError(413, "too_many", f"send at most {MAX_FAULTS} faults at once")
        faults = [_read_fault(item, place, problems, many=isinstance(body, list)) for place, item in enumerate(items)]
        refuse_problems(problems)
        read = [fault for fault in faults if fault is not None]
        if len(read) + sum(1 for _ in project.faults.armed()) > MAX_DIRECTED:
            raise LabError(
                409, "too_many", f"at most {MAX_DIRECTED} faults are directed at one time: DELETE them first"
            )
        for fault in read:
            project.arm(fault)
        answers = [fault.to_json() for fault in read]
        return (answers if isinstance(body, list) else answers[0]), 201

    def clear_faults(self, project_id: str) -> tuple[str, int]:
        """`DELETE faults`: drop the directed faults and turn chaos off."""
        self._find(project_id).calm()
        return "", 204

    def set_chaos(self, project_id: str) -> JsonObject:
        """`PUT chaos`: a preset's name, or `{"preset", "seed", "budget"}`."""
        project = self._find(project_id)
        problems: list[Problem] = []
        chaos = read_chaos(json_body(), "chaos", problems, default_seed=project.random_seed)
        refuse_problems(problems)
        if chaos is not None:
            project.set_chaos(chaos)
        return project.chaos.to_json()

    def move_clock(self, project_id: str) -> ClockJson:
        """`POST clock`: `{"advance_ms"}` or `{"to_ms"}`; answers when the project is idle at that time.

        Before each step it waits for connected consumers to acknowledge. It waits no more once there was no
        acknowledgement for `?timeout_ms=`.
        After `MAX_STEPS` timers the answer says how far the clock has got. A caller that closes the connection ends the
        move.
        """
        project = self._find(project_id)
        clock = project.clock
        if not isinstance(clock, VirtualClock):
            raise LabError(409, "system_clock", 'this clock runs by itself: make a project with "clock": "virtual"')
        timeout_ms = query_number("timeout_ms", DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS)
        memory = request.environ.get(MEMORY, {})
        if "move" not in memory:
            memory["move"] = _Move(project, _read_target(clock), timeout_ms)
        move: _Move = memory["move"]
        move.go_on(project)
        return {**_idle_answer(project), "reached": move.reached, "to_ms": move.to_ms}

    def idle(self, project_id: str) -> IdleJson:
        """`GET idle?timeout_ms=`: answers when nothing is pending, or at the timeout."""
        project = self._find(project_id)
        timeout_ms = query_number("timeout_ms", DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS)
        if not project.idle().idle:
            wait_for(request.environ, project.history.listen, timeout_ms)
        return _idle_answer(project)


def _subscription_answer(parts: list[Subscription]) -> SubscriptionJson:
    """A subscription in the sum of its partitions. A consumer is counted once, however many of them it consumes."""
    return {
        "topic": parts[0].topic,
        "subscription": parts[0].name,
        "pending": sum(each.pending for each in parts),
        "consumers": len({consumer.consumer_id for each in parts for consumer in each.consumers}),
    }


class _Move:
    """A move of the clock over the calls of the view."""

    def __init__(self, project: Project, to_ms: int, timeout_ms: int) -> None:
        self.to_ms = to_ms
        self._advance = Advance(project, to_ms)
        self._timeout_ms = timeout_ms
        self._acknowledged = self._advance.acknowledged
        self._progress_ms = 0.0

    @property
    def reached(self) -> bool:
        """Whether it is at its end."""
        return self._advance.arrived

    def go_on(self, project: Project) -> None:
        """Move the clock, to the end or until the request has to wait or yield."""
        while not self._is_over(project) and not yield_turn(request.environ):
            pass

    def _is_over(self, project: Project) -> bool:
        """Move the clock; whether the view has to return: at an end, or to wait for an acknowledgement."""
        advance = self._advance
        advance.go(MAX_STEPS - advance.steps)
        is_over = advance.arrived or advance.steps >= MAX_STEPS
        return is_over or (advance.waits and self._is_asked_again(project))

    def _is_asked_again(self, project: Project) -> bool:
        """Whether the view is called again after an acknowledgement. If there is none in time, the move gives up."""
        if self._advance.acknowledged != self._acknowledged:
            self._acknowledged, self._progress_ms = self._advance.acknowledged, waited_ms(request.environ)
        if wait_for(request.environ, project.history.listen, self._progress_ms + self._timeout_ms):
            return True
        self._advance.give_up()
        return False


def _add_records(project: Project, device: Device, body: object) -> Steps[bytes]:
    """Read all records, then keep them; the answer's JSON. Nothing is kept if one of them cannot be used.

    Once the first is kept all are, even if the caller closes the connection, unless the project is reset.
    """
    new = yield from _read_records(body, device)
    carry_through(request.environ)
    resets = project.history.resets
    answers = []
    for kept, asked in zip(project.keep_one_by_one(new), new, strict=True):
        note_doubts(doubts_of_record({"event_time": asked.event_time, **asked.details}))
        answer = NewRecord.of(kept, asked.fate).to_json()
        answers.append(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())
        yield None
        if project.history.resets != resets:
            raise LabError(409, "reset", "the project was reset or restored meanwhile: none of the records is left")
    return b"[%s]" % b",".join(answers) if isinstance(body, list) else answers[0]


def _read_target(clock: VirtualClock) -> int:
    problems: list[Problem] = []
    body = json_object('{"advance_ms": 3600000}')
    given = read_shape(ClockMove, Reader(body, "", problems))
    by_ms, to_ms = given.get("advance_ms"), given.get("to_ms")
    if not problems and (by_ms is None) == (to_ms is None):
        problems.append(Problem(ProblemKind.ILLEGAL, "body", "must have either advance_ms or to_ms"))
    refuse_problems(problems)
    target = to_ms if to_ms is not None else clock.now_ms() + (by_ms or 0)
    if target > LATEST_MS:
        raise LabError(400, "too_late", f"time ends at {LATEST_MS}")
    if target < clock.now_ms():
        raise LabError(400, "past", f"time does not go back: it is {clock.now_ms()} already")
    return target


def _idle_answer(project: Project) -> IdleJson:
    state = project.idle()
    return {
        "idle": state.idle,
        "now_ms": project.clock.now_ms(),
        "pending": {"messages": state.messages, "timers": state.timers},
        "waits_for": project.pending(),
    }


def _read_records(body: object, device: Device) -> Steps[list[NewRecord]]:
    items = body if isinstance(body, list) else [body]
    if len(items) > MAX_RECORDS:
        raise LabError(413, "too_many", f"send at most {MAX_RECORDS} records at once")
    problems: list[Problem] = []
    read = []
    for place, item in enumerate(items):
        read.append(read_record(item, device, f"[{place}]" if isinstance(body, list) else "body", problems))
        if len(problems) > PROBLEMS_NAMED:
            break
        yield None
    refuse_problems(problems)
    return [record for record in read if record is not None]


def _read_fault(item: object, place: int, problems: list[Problem], *, many: bool) -> Fault | None:
    path = f"[{place}]" if many else ""
    if isinstance(item, dict):
        return read_fault(item, path, problems)
    problems.append(Problem(ProblemKind.TYPE, path or "body", 'must be an object such as {"kind": "answer.busy"}'))
    return None


def _fault_answer(fault: Fault, struck: int) -> JsonObject:
    return fault.to_json() | {"struck": struck}


def _device(project: Project, device_id: str) -> Device:
    device = project.devices.get(device_id)
    if device is None:
        known = ", ".join(list(project.devices)[:20])
        raise LabError(404, "no_device", f"there is no device {device_id[:64]!r}; there are: {known}")
    return device
