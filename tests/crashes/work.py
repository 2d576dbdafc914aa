"""The work that goes on while the disk fails: a day of a project with all that a store keeps, and of two others."""

import json
from collections.abc import Iterator
from typing import Any

from mock_server.model import HOUR
from mock_server.wire.encryption import queue_password
from mock_server.wire.message_id import message_id_text
from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import (
    AckType,
    CommandAck,
    CommandAckResponse,
    CommandConnect,
    CommandFlow,
    CommandMessage,
    CommandSubscribe,
    PulsarCommand,
    SubType,
    decode_command,
)
from mock_server.wire.pulsar_frames import FrameReader, command_frame
from tests.crashes.served import Caller, Consumer, Served, native
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT, NOON

SECOND_ID, FORK_ID = "second-project-0001", "forked-project-0001"
SECRET = "0123456789abcdef0123456789abcdef"


def a_pass(number: int, uplink: Any = "deliver") -> dict[str, Any]:
    """A pass of the lab API; `uplink` None leaves it to chaos."""
    own = {
        "data_type": 0,
        "pass_direction": number % 2,
        "event_time": NOON - 1000 * number,
        "plate_no": f"京A{number:05d}",
    }
    return own if uplink is None else own | {"uplink": uplink}


def sync_body(total: int, now: int) -> dict[str, Any]:
    """A claim for the hour before a time."""
    return {
        "dataType": 0,
        "recordSyncInfos": [{"totalCount": total, "startTime": NOON - HOUR, "endTime": now, "passDirection": 0}],
    }


async def work(served: Served) -> None:
    """All of it. Whatever is refused meanwhile, the next thing is done."""
    main = Caller(served, ACCESS_ID, ACCESS_SECRET, LOT)
    consumer = Consumer(served, main)
    await _begin(main, consumer)
    await _reconcile(main)
    await _natively(served, main)
    await _others(served, main)
    await _roughly(main, consumer)
    await _refresh(main)
    consumer.close()


async def _begin(main: Caller, consumer: Consumer) -> None:
    """A token, records of each fate, and a consumer."""
    main.token = (await main.api("GET", "/v1.0/token?grant_type=1")).get("access_token", "")
    records = f"/devices/{LOT}/records"
    await main.lab("POST", records, [a_pass(1), a_pass(2), a_pass(3, "lose"), a_pass(4, {"delay_ms": 90_000})])
    await consumer.connect()
    await main.lab("POST", records, a_pass(5, "duplicate"))
    await main.lab("POST", "/faults", {"kind": "uplink.swap", "times": 2})


async def _reconcile(main: Caller) -> None:
    """A wrong claim, its re-report, the way of its command to its end."""
    path = f"/v1.0/parking-control/{LOT}/records/sync"
    for total in (0, 2):
        sn = (await main.api("POST", path, sync_body(total, NOON))).get("sn", "")
        await main.lab("POST", "/clock", {"advance_ms": 400})
        await main.api("GET", f"/v1.0/expand/cmds/{sn}")
    await main.lab("POST", "/clock", {"advance_ms": 5_000})
    await main.lab("PATCH", f"/devices/{LOT}", {"online": False})
    await main.api("POST", path, sync_body(1, NOON))
    await main.lab("PATCH", f"/devices/{LOT}", {"online": True})


async def _natively(served: Served, main: Caller) -> None:
    """A native consumer of the test environment's topic, which asks for answers to its acknowledgements."""
    transport, socket = native(served)
    own = main.access_id
    data = json.dumps({"username": own, "password": queue_password(own, main.secret)}).encode()
    topic = CommandSubscribe(f"persistent://{own}/out/event", f"{own}-second", SubType.FAILOVER, 0, 0)
    opening: tuple[PulsarCommand, ...] = (CommandConnect("crashes", data, 20, "auth1"), topic, CommandFlow(0, 100))
    transport.data_received(b"".join(map(command_frame, opening)))
    frames = FrameReader()

    def tell(content: bytes) -> None:
        """What is delivered is told when it is: the commit behind it may fail."""
        frames.feed(content)
        for command in _read(frames):
            if isinstance(command, CommandMessage):
                served.tell("delivered natively", own, _id_of(command))

    socket.on_write = tell
    await main.lab("POST", f"/devices/{LOT}/records", [a_pass(6), a_pass(7)])
    for message in _commands(socket, CommandMessage):
        socket.written.clear()
        ack = CommandAck(0, AckType.INDIVIDUAL, (encode(message.message_id),), request_id=9)
        transport.data_received(command_frame(ack))
        await main.lab("GET", ".")
        if [each for each in _commands(socket, CommandAckResponse) if each.error is None]:
            served.tell("acknowledged for sure", own, _id_of(message))
    transport.connection_lost(None)


def _id_of(message: CommandMessage) -> str:
    return message_id_text(message.message_id.ledger, message.message_id.entry)


def _commands(socket: Any, kind: type[Any]) -> list[Any]:
    """What a native client was told, of one kind."""
    frames = FrameReader()
    frames.feed(bytes(socket.written))
    return [each for each in _read(frames) if isinstance(each, kind)]


def _read(frames: FrameReader) -> Iterator[PulsarCommand]:
    while (frame := frames.next_frame()) is not None:
        yield decode_command(frame[0])


async def _others(served: Served, main: Caller) -> None:
    """A second project with a seed, its reset, a going back; a fork of the first one; the end of the second."""
    seed = {"format": "parking-mock/seed", "version": 1, "devices": [{"device_id": LOT}]}
    seed["records"] = [a_pass(number) | {"device_id": LOT} for number in range(8)]
    keys = {"access_id": SECOND_ID, "access_secret": SECRET, "clock": "virtual", "now_ms": NOON}
    await main.lab("POST", "", keys | {"seed": seed})
    second = Caller(served, SECOND_ID, SECRET, LOT)
    second.token = (await second.api("GET", "/v1.0/token?grant_type=1")).get("access_token", "")
    await second.lab("POST", "/checkpoints", {"name": "early"})
    await second.lab("POST", "/checkpoints", {"name": "late"})
    await second.lab("DELETE", f"/devices/{LOT}/records/pass-000001")
    await second.lab("POST", f"/devices/{LOT}/records", a_pass(9))
    await second.lab("POST", "/checkpoints/early/restore")
    await second.lab("DELETE", "/checkpoints/late")
    await second.lab("POST", "/reset")
    await main.lab("POST", "/fork", {"access_id": FORK_ID, "access_secret": SECRET})
    await second.lab("DELETE", ".")


async def _roughly(main: Caller, consumer: Consumer) -> None:
    """Chaos, and time that passes."""
    await main.lab("PUT", "/chaos", {"preset": "rough", "seed": 5})
    for number in range(10, 13):
        await main.lab("POST", f"/devices/{LOT}/records", [a_pass(number, None), a_pass(number + 100, None)])
        await main.api("POST", f"/v1.0/parking-control/{LOT}/records/sync", sync_body(number, NOON + 1000))
        await main.lab("POST", "/clock", {"advance_ms": 60_000})
    consumer.close()
    await consumer.connect()
    await main.lab("DELETE", "/faults")
    await main.lab("POST", "/clock", {"advance_ms": 600_000})


async def _refresh(main: Caller) -> None:
    """A new token, and a last record."""
    granted = await main.api("GET", "/v1.0/token?grant_type=1")
    main.token = (await main.api("GET", f"/v1.0/token/{granted.get('refresh_token')}")).get("access_token", "")
    await main.lab("POST", f"/devices/{LOT}/records", a_pass(20))
