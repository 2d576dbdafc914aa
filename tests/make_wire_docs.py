"""The page about the message queue: its tables from the shapes, its examples from a project that plays a day."""

import base64
import json
from typing import Any, get_args

from contracts.clients.messages import read_report
from mock_server.carriers.websocket import BAD_PAYLOAD, FAILED, GOING_AWAY, message_frame
from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET
from mock_server.lots.seed import default_seed, read_record
from mock_server.model import Cell, DataType, JsonObject, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.queue.queue import MAX_SUBSCRIPTIONS
from mock_server.web.queue import handshake_shapes as handshake
from mock_server.web.serving.websocket_protocol import IDLE_TEXT, MAX_FRAME
from mock_server.wire import message_shapes as shapes
from mock_server.wire.encryption import message_key, queue_password
from mock_server.wire.messages import DATA_POINTS
from mock_server.wire.record_time import RecordTime, written_time
from tests.markdown import table

NOON = 1_652_760_000_000
"""12:00 in Beijing on 2022-05-17."""

LOT = "6ce0000000000001"
PASS = {
    "data_type": 0,
    "record_id": "pass-000001",
    "pass_direction": 0,
    "event_time": NOON,
    "plate_no": "京A12345",
    "lane_device_id": "6ce0000000000003",
    "car_type": 1,
}
BILL = {
    "data_type": 1,
    "record_id": "bill-000001",
    "event_time": NOON + 60_000,
    "plate_no": "京A12345",
    "order_no": "1001",
    "enter_time": NOON - 3_600_000,
    "leave_time": NOON + 60_000,
    "payable_amount": 800,
    "paid_amount": 800,
    "pay_method": 1,
}


class Day:
    """A lot that reports a pass and a bill, corrects the pass, and reports it again. `frames` are its messages."""

    def __init__(self) -> None:
        self.project = Project(DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, default_seed(), VirtualClock(NOON))
        self.frames: list[Any] = []
        queue = self.project.queue
        queue.main.connect(Consumer("reader", self._take))
        self.keep(PASS)
        self.keep(BILL)
        self.keep(PASS | {"plate_no": "京A12346"})
        cell = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON, NOON + 3_600_000)
        self.project.sync(LOT, [SyncInfo(cell, 0)])
        clock: Any = self.project.clock
        clock.advance(1_000)

    def keep(self, record: JsonObject) -> None:
        """Add a record."""
        new = read_record(record, self.project.devices[LOT], "", [])
        assert new is not None
        self.project.keep([new])

    def _take(self, message: Any, count: int) -> None:
        self.frames.append(json.loads(message_frame(self.project, message, count, "reader")))

    def values(self) -> list[JsonObject]:
        """What is in the `value` of each message, in order."""
        reports = [read_report(frame, DEFAULT_ACCESS_SECRET) for frame in self.frames]
        return [json.loads(report["status"][0]["value"]) for report in reports]


def fields(shape: type) -> str:
    """The fields of a shape as a table."""
    schemas: Any = shapes.message_schemas() | handshake.handshake_schemas()
    schema = schemas[shape.__name__]
    rows = (
        (f"`{name}`", _type(each) + _optional(name, schema), each.get("description", ""), each["x-source"])
        for name, each in schema["properties"].items()
    )
    return table(("field", "type", "meaning", "source"), rows)


def _optional(name: str, schema: Any) -> str:
    default = schema["properties"][name].get("default")
    words = ", optional" if default is None else f", default `{json.dumps(default)}`"
    return "" if name in schema["required"] else words


def _type(schema: Any) -> str:
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    bounds = f", {schema.get('minimum', 0)} to {schema['maximum']}" if "maximum" in schema else ""
    return f"{schema['type']}{bounds}"


def shown(value: object) -> str:
    """A JSON value as a block."""
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def wire_page(made: str) -> str:
    """The page. `made` is the remark above every made page."""
    day = Day()
    frame = day.frames[0]
    payload = json.loads(base64.b64decode(frame["payload"]))
    report = read_report(frame, DEFAULT_ACCESS_SECRET)
    passed, billed, corrected, again, result = day.values()
    assert again == corrected
    idle_s = Profile().queue_idle_ms // 1000
    codes = ((f"`{code}`", f"`{point}`", shapes.VALUES.get(code, "")) for code, point in DATA_POINTS.items())
    named = ((code, point, _about(shape)) for code, point, shape in codes)
    ciphers = "\n".join(f"  - `{name}`: {text}." for name, text in shapes.CIPHERS.items())
    times = ((f"`{form}`", f"`{json.dumps(written_time(NOON, form))}`") for form in get_args(RecordTime))
    refusals = ((status, why) for status, why in handshake.REFUSALS.items())
    return f"""{made}

# On the wire: the message queue

What a lot reports comes over the vendor's message queue: Pulsar's WebSocket consumer protocol around an envelope of the
vendor's. Each fact below has its source: **documented** by the vendor or by Pulsar, **observed** in the vendor's
SDKs, in public samples or reports, or **our choice**, because nothing is published. `/openapi.json` has the same as
JSON Schema under `x-queue`, and `/asyncapi.json` as [AsyncAPI](how-to/the-queue-as-asyncapi.md).
[Native Pulsar](native-pulsar.md) (port 7285) has the same messages.

## A consumer

All that a client owes the queue, without an SDK. An event is acknowledged once `store` has returned, so it must have
been stored by then; it may come again, and then the same record has the same `recordId`.

```python title="consumer.py"
{CONSUMER}```

A lot that reports a pass, and the consumer that gets it:

```console
$ curl -s http://127.0.0.1:8290/_lab/projects/{DEFAULT_ACCESS_ID}/devices/{LOT}/records \\
>   -H 'Content-Type: application/json' \\
>   -d '{{"data_type": 0, "pass_direction": 0, "event_time": 1652779000000, "plate_no": "京A12345"}}'
{{"record_id":"pass-000001",...}}
```

```python
from consumer import consume

exports = {{
    "ws": "ws://127.0.0.1:8285/",
    "access_id": "{DEFAULT_ACCESS_ID}",
    "access_secret": "{DEFAULT_ACCESS_SECRET}",
}}
records = {{}}


def store(device_id, code, event, published_ms):
    key = device_id, code, event.get("recordId") or event["sn"]
    if key not in records or records[key][0] <= published_ms:  # a newer version takes the place of the older one
        records[key] = published_ms, event


consume(exports, store, lambda: len(records) == 1)
for (device_id, code, record_id), (published_ms, event) in records.items():
    print(device_id, code, record_id, event["plateNo"])
```

```text
{LOT} vehicle_pass_record pass-000001 京A12345
```

## Connecting

`{{ws}}{handshake.PATH}`, where `ws` (of the exports) ends with a slash. The parts of the path:

{fields(handshake.HandshakePath)}

Headers, beside those of any WebSocket; the password here is `{PASSWORD}`:

{fields(handshake.HandshakeHeaders)}

The query; what is not named is ignored:

{fields(handshake.HandshakeQuery)}

A handshake that is refused gets an HTTP status and a sentence in place of the upgrade (our choice):

{table(("status", "why"), refusals)}

## Frames

To the client, one for each delivery:

{fields(shapes.QueueFrame)}

{shown(frame | {"payload": _short(frame["payload"])})}

From the client, to acknowledge a message once what it says is stored:

{fields(shapes.Acknowledgement)}

or to have it delivered again after `negativeAckRedeliveryDelay`:

{fields(shapes.NegativeAcknowledgement)}

`{{"type": "isEndOfTopic"}}` is answered with `{{"endOfTopic": "false"}}`, `{{"type": "permit"}}` is ignored: the
vendor's SDKs send neither. Any other frame closes the connection with {BAD_PAYLOAD} and the reason in words, one over
{MAX_FRAME} bytes with 1009 (our choice).

An acknowledgement for an id that the subscription does not have, or no longer, changes nothing, is not answered and
leaves no entry in the history; so does a negative one for a message that this consumer does not hold. After a
redelivery the second acknowledgement is such a one. `message.acknowledged` in the history tells which were heard (our
choice; Pulsar's protocol does not answer acknowledgements either).

## Payload

{fields(shapes.QueuePayload)}

{shown(payload | {"data": _short(payload["data"])})}

- **`sign`** ([documented](https://developer.tuya.com/cn/docs/iot/sign?id=Kavqdhsoc03yr)) is {shapes.SIGN_RULE}.
  That the digits are in lower case is our choice. AES-ECB has no tag: only the signature tells a damaged message.
- **`data`** (documented) is base64 of what a cipher gives. Its key is {shapes.KEY_RULE}, here
  `{_key()}`. `properties.em` of the frame names the cipher (observed):
{ciphers}

## Status report

{fields(shapes.StatusReport)}

`status` has:

{fields(shapes.StatusEntry)}

{shown(report)}

`code` says what is in `value`; with the profile `empty-codes` only the number of the data point does, the one key that
consists of digits. Codes and numbers are our choice, as the vendor does not publish them; pass over what you do not
know:

{table(("code", "data point", "what is in it"), named)}

## A pass

{fields(shapes.PassValue)}

{shown(passed)}

A time of a record has one of four forms, by the profile's `record_time` (our choice; the fields are not published, and
lots write times in all four). The second two are in Beijing time, which has no summer time. Second 60, a leap
second, is the beginning of the next minute. The times of frames and statuses are not concerned.

{table(("`record_time`", "form"), times)}

## A bill

Amounts are in fen, 1/100 yuan (our choice).

{fields(shapes.BillValue)}

{shown(billed)}

## A correction and a re-report

A corrected record comes as a new message with the same `recordId` and other content: the last one counts. The older
one may be delivered again after it; the `t` of its status is then the smaller one. A re-report
repeats a record as the lot has it then, with the same `recordId` too; only `messageId`, `dataId` and times of the
message are new, and nothing says that it is one (our choice: the vendor is silent about any mark).

{shown(corrected)}

## The result of a command

{fields(shapes.CommandValue)}

{shown(result)}

## Delivery

- A subscription keeps a message until it is acknowledged. It is delivered again when `ackTimeoutMillis` has passed,
  after a negative acknowledgement, and when the connection is lost (documented by Pulsar). `redeliveryCount` is 0 all
  the while, as with Pulsar's broker; with the profile's `redelivery_count` `counted` it grows.
- Several consumers may share a Failover subscription; the first to connect is active, the others stand by (documented
  by Pulsar). A consumer that holds `receiverQueueSize` messages gets no more until it acknowledges one.
- Order is kept for a subscription without faults; redeliveries, delays and re-reports come after newer messages.
- `event` has 11 partitions at the vendor (documented), and here with the profile `partitioned`: then order is kept for
  one device only. A connection consumes all of them, or one as `event-partition-0` and so on.
- A subscription gets what is published after it was made. `{{access_id}}-sub` is there from the start. Others are
  made when their first consumer connects, or, with the profile `own-subscriptions`, only by
  `POST /_lab/projects/{{p}}/subscriptions` (one public client knows of 404 at the vendor; Pulsar makes them), at most
  {MAX_SUBSCRIPTIONS} a project (our choice). A reset of the project forgets those that nobody consumes then.

## Keeping the connection alive

- The queue sends no pings, and takes any pong. It answers pings (as Pulsar's server did when the vendor's was last
  seen: Jetty 9.4).
- When no byte went either way for {idle_s} seconds it closes the connection with {GOING_AWAY}, `{IDLE_TEXT}`:
  Pulsar's and Jetty's default. What the vendor has set is not known; both of its SDKs ping every 30 seconds. It is
  the profile's `queue_idle_ms`, in real time also where a project's clock is virtual. The history has a `consumer`
  with `change` `idle`.
- In process there are no pings, and no limit.
- A fault that was asked for closes with {FAILED} (`socket.close`) or as after a silence (`socket.idle`); {GOING_AWAY}
  without that text is a server that stops or a project that was deleted. After each of them connect again, to the same
  subscription, with a growing pause.
"""


def _short(text: str) -> str:
    return f"{text[:40]}...{text[-4:]}"


def _key() -> str:
    return message_key(DEFAULT_ACCESS_SECRET).decode()


def _about(shape: Any) -> str:
    return (shape.__doc__ or "").split(".", 1)[0] if shape else "an event of a kind that no page names (a fault)"


PASSWORD = queue_password(DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET)
CONSUMER = '''import base64
import hashlib
import json
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

CODES = {"101": "vehicle_pass_record", "102": "temporary_parking_bill", "103": "command_result"}


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def decrypt(data, cipher, secret):
    raw, key = base64.b64decode(data), secret[8:24].encode()
    if cipher == "aes_gcm":
        return AESGCM(key).decrypt(raw[:12], raw[12:], None)
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()


def events(frame, secret):
    payload = json.loads(base64.b64decode(frame["payload"]))
    signed = [f"{key}={payload[key]}" for key in sorted(payload) if key != "sign" and payload[key] != ""]
    if payload["sign"] != md5("||".join([*signed, secret])):
        raise ValueError("a damaged message")
    report = json.loads(decrypt(payload["data"], frame["properties"].get("em", "aes_ecb"), secret))
    for status in report["status"]:
        code = status["code"] or next((CODES.get(key, "") for key in status if key.isdigit()), "")
        if code in CODES.values():
            yield report["devId"], code, json.loads(status["value"]), status["t"]


def receive(socket, secret, store):
    frame = json.loads(socket.recv())
    try:
        for event in list(events(frame, secret)):
            store(*event)
        socket.send(json.dumps({"messageId": frame["messageId"]}))
    except ValueError:
        socket.send(json.dumps({"type": "negativeAcknowledge", "messageId": frame["messageId"]}))


def consume(exports, store, done):
    """Hand each event to store(device_id, code, event, published_ms) until done() after a message."""
    access_id, secret = exports["access_id"], exports["access_secret"]
    path = f"ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
    query = "subscriptionType=Failover&ackTimeoutMillis=30000&negativeAckRedeliveryDelay=1000"
    headers = {"username": access_id, "password": md5(access_id + md5(secret))[8:24]}
    pause = 0.1
    while not done():
        try:
            with connect(f"{exports['ws']}{path}?{query}", additional_headers=headers, proxy=None) as socket:
                while not done():
                    receive(socket, secret, store)
                    pause = 0.1
        except (ConnectionClosed, OSError):
            time.sleep(pause)
            pause = min(2 * pause, 60)
'''
"""The consumer of the page. `tests/test_wire.py` shows that it gets everything."""
