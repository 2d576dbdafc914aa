"""The books of a client whose server was killed again and again: what it was told is so, and nothing is twice new."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from benchmarks.kills_client import Client

_SUCCEEDED = 3


def problems(client: Client) -> list[str]:
    """Whatever does not agree, a line each."""
    kept = {line["seq"]: line for line in client.project.history() if not line["kind"].startswith("history.")}
    history = client.told | kept  # what the history has let go was told
    of: dict[str, list[Any]] = defaultdict(list)
    for line in history.values():
        of[line["kind"]].append(line)
    found = (
        *client.wrong,
        *_history(client, kept, history),
        *_records(client),
        *_messages(client, of),
        *_commands(client, of),
    )
    client.tally["heard"] = len(client.consumer.heard)
    client.tally["heard again"] = len(client.consumer.heard) - len(of["message.published"])
    return [f"{client.project.access_id}: {each}" for each in found]


def _history(client: Client, kept: dict[int, Any], history: dict[int, Any]) -> Iterator[str]:
    """Each line that was told is there as it was told."""
    if sorted(history) != list(range(1, len(history) + 1)):
        yield "the history has gaps"
    if changed := [seq for seq, line in client.told.items() if seq >= min(kept) and kept.get(seq) != line]:
        yield f"{len(changed)} lines were told and are not there, or are others: {changed[:5]}"


def _records(client: Client) -> Iterator[str]:
    at_lot = [each["record_id"] for each in client.project.snapshot()["records"]]
    if sorted(at_lot) != sorted(client.records):
        yield f"{len(client.records)} records were taken, {len(at_lot)} are there"
    if missing := set(client.records) - {record_id for _, record_id in client.consumer.heard}:
        yield f"{len(missing)} records were never heard of"


def _messages(client: Client, of: dict[str, list[Any]]) -> Iterator[str]:
    """Ids are given once, acknowledged once; nothing is delivered after that, nor with another record."""
    about = {line["message_id"]: line["record_id"] or "" for line in of["message.published"]}
    if len(about) != len(of["message.published"]):
        yield "a message id was given twice"
    acknowledged = {line["message_id"]: line["seq"] for line in of["message.acknowledged"]}
    if len(acknowledged) != len(of["message.acknowledged"]) or set(acknowledged) != set(about):
        yield f"{len(about)} published, {len(of['message.acknowledged'])} acknowledged"
    late = [line for line in of["message.delivered"] if line["seq"] > acknowledged[line["message_id"]]]
    if late:
        yield f"{len(late)} deliveries of what was acknowledged"
    heard = Counter(client.consumer.heard)
    if other := [each for each in heard if each[0] is not None and about.get(each[0]) != each[1]]:
        yield f"heard of another record than was published: {other[:5]}"


def _commands(client: Client, of: dict[str, list[Any]]) -> Iterator[str]:
    """Each command that was answered goes on to its end, once; each wrong claim has its re-report."""
    states: dict[str, list[int]] = defaultdict(list)
    for line in of["command"]:
        states[line["sn"]].append(line["status"])
    if stuck := [
        sn for sn in client.commands if states[sn] != sorted(set(states[sn])) or states[sn][-1:] != [_SUCCEEDED]
    ]:
        yield f"commands with another way: {[(sn, states[sn]) for sn in stuck[:5]]}"
    rereported = {each["sn"]: each for each in client.project.rereports()}
    if lacking := [sn for sn, is_wrong in client.commands.items() if is_wrong != (sn in rereported)]:
        yield f"re-reports that are not there, or should not be: {lacking[:5]}"
    published = {line["message_id"]: line["record_id"] for line in of["message.published"]}
    for each in rereported.values():
        if [published.get(message_id) for message_id in each["message_ids"]] != each["record_ids"]:
            yield f"the re-report of {each['sn']} has published something else"
