"""Conservation: nothing is lost but by a fault that the history names, nothing comes from nowhere, nothing mixes.

For one settled project, from what its lab plane tells:

- every record that it was given is at its lot, and no other;
- a record was published once for each time that it was kept or re-reported, once more for each fault that doubled it,
  once less for each that lost it; what is missing waits on a timer, and there are no timers but these;
- every message is acknowledged or pending, none twice, none that was not published;
- every command has one result; every id that turns up belongs to the project.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.soak_client import Customer

_MORE = {"uplink.duplicate": 1, "rereport.duplicate": 1, "uplink.lose": -1, "rereport.lose": -1}
_FINAL = 3

History = list[dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What the lab plane tells of a settled project."""

    history: History
    rereports: list[dict[str, Any]]
    records: list[dict[str, Any]]
    pending: dict[str, int]

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        """The lines of one kind."""
        return (line for line in self.history if line["kind"] == kind)


async def look(customer: Customer) -> Told:
    """Ask for everything."""
    lines = await customer.lab_text("GET", f"{customer.path}/history")
    rereports = await customer.lab("GET", f"{customer.path}/rereports")
    snapshot = await customer.lab("GET", f"{customer.path}/snapshot")
    shown = await customer.lab("GET", customer.path)
    return Told([json.loads(line) for line in lines.splitlines()], rereports, snapshot["records"], shown["pending"])


def problems(customer: Customer, told: Told) -> list[str]:
    """Whatever is not conserved, a line each."""
    found = (
        *_history_is_whole(told),
        *_lots_keep(customer, told),
        *_publications(told),
        *_messages(customer, told),
        *_commands(told),
        *_strangers(customer, told),
    )
    return [f"customer {customer.number}: {each}" for each in found]


def count(told: Told) -> Counter[str]:
    """Figures for the table."""
    counts = Counter(line["kind"] for line in told.history)
    counts.update(f"fault {line['fault']}" for line in told.of("fault"))
    return counts


def _history_is_whole(told: Told) -> Iterator[str]:
    if [line.get("seq") for line in told.history] != list(range(1, len(told.history) + 1)):
        yield "the history has gaps"


def _lots_keep(customer: Customer, told: Told) -> Iterator[str]:
    at_lot = {each["record_id"]: (_line(each), each["event_time"]) for each in told.records}
    if at_lot != customer.kept or len(told.records) != len(at_lot):
        yield f"the lots have {len(told.records)} records, they were given {len(customer.kept)}"


def _line(record: dict[str, Any]) -> tuple[str, int, int | None]:
    return record["device_id"], record["data_type"], record.get("pass_direction")


def _publications(told: Told) -> Iterator[str]:
    due = Counter(line["record_id"] for line in told.of("record.kept"))
    due.update(record_id for each in told.rereports for record_id in each["record_ids"])
    struck: Counter[str] = Counter()
    for line in told.of("fault"):
        record_id = line["operation"].rpartition(" ")[2]
        due[record_id] += _MORE.get(line["fault"], 0)
        struck[record_id] += line["fault"].endswith(".lose") and line["site"] != "call"
    lost = Counter(line["record_id"] for line in told.of("record.lost"))
    if lost != +struck:
        yield f"{lost.total()} publications lost, {struck.total()} by a fault"
    published = Counter(line["record_id"] for line in told.of("message.published") if line["record_id"])
    if published - due:
        yield f"published for no reason: {published - due}"
    yield from _under_way(told, due - published)


def _under_way(told: Told, missing: Counter[str]) -> Iterator[str]:
    planned = Counter(line["fault"] for line in told.of("fault"))["record.correct"]
    corrected = sum(line["replaced"] for line in told.of("record.kept"))
    if missing.total() + planned - corrected != told.pending["timers"]:
        yield f"not published: {missing}, corrections to come: {planned - corrected}, timers: {told.pending['timers']}"


def _messages(customer: Customer, told: Told) -> Iterator[str]:
    published = [line["message_id"] for line in told.of("message.published")]
    acknowledged = [line["message_id"] for line in told.of("message.acknowledged")]
    delivered = {line["message_id"] for line in told.of("message.delivered")}
    if len({*published}) != len(published) or len({*acknowledged}) != len(acknowledged):
        yield "a message id was published or acknowledged twice"
    if not {*acknowledged} <= delivered <= {*published}:
        yield "messages were delivered that nobody published, or acknowledged that nobody had"
    if len(published) - len(acknowledged) != told.pending["messages"]:
        yield f"{len(published)} published, {len(acknowledged)} acknowledged, {told.pending['messages']} pending"
    if customer.inbox is None:
        yield from _waiting(told)
    elif {*acknowledged} != customer.inbox.acknowledged or told.pending["messages"]:
        yield f"{len(customer.inbox.acknowledged)} acknowledged by the client, {len(acknowledged)} heard of"
    elif customer.virtual and customer.inbox.records != set(customer.kept):
        yield f"{len(customer.kept)} records kept, {len(customer.inbox.records)} arrived after reconciling"


def _waiting(told: Told) -> Iterator[str]:
    """Without a consumer every record that was published waits."""
    waiting = {each["record_id"] for each in told.records if each.get("uplink") == "deliver"}
    if waiting != {line["record_id"] for line in told.of("message.published") if line["record_id"]}:
        yield f"{len(waiting)} records wait on the queue, others were published"


def _commands(told: Told) -> Iterator[str]:
    ended = [line["sn"] for line in told.of("command") if line["status"] >= _FINAL]
    begun = {line["sn"] for line in told.of("command")}
    told_of = [line["sn"] for line in told.of("message.published") if line["sn"]]
    if sorted(ended) != sorted(told_of) or begun != set(ended):
        yield f"{len(begun)} commands, {len(ended)} ended, {len(told_of)} told of"


def _strangers(customer: Customer, told: Told) -> Iterator[str]:
    own = {*customer.devices, None}
    devices = {line.get("device_id") for line in (*told.history, *told.records)} - own
    arrived = customer.inbox.records if customer.inbox else set()
    known = {line.get("record_id") for line in told.history} | {each["record_id"] for each in told.records} | arrived
    if devices or known - {None, *customer.kept}:
        yield f"of others: {devices or known - {None, *customer.kept}}"
