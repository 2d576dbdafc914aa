"""The page about the message queue: its tables from the shapes, its examples from a project that plays a day."""

import base64
import json
from typing import Any

from contracts.clients.messages import read_report
from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET
from mock_server.lots.seed import default_seed, read_record
from mock_server.model import Cell, DataType, JsonObject, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.queue import MAX_SUBSCRIPTIONS, Consumer
from mock_server.web.queue.handshake import MAX_RECEIVER_QUEUE, MIN_ACK_TIMEOUT_MS
from mock_server.web.queue.session import BAD_PAYLOAD, FAILED, GOING_AWAY, message_frame
from mock_server.web.serving.websocket_protocol import IDLE_TEXT, MAX_FRAME
from mock_server.wire import message_shapes as shapes
from mock_server.wire.encryption import message_key, queue_password
from mock_server.wire.messages import DATA_POINTS
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
    schemas: Any = shapes.message_schemas()
    schema = schemas[shapes.SHAPES[shape]]
    rows = (
        (f"`{name}`", _type(each) + _optional(name, schema), each.get("description", ""), each["x-source"])
        for name, each in schema["properties"].items()
    )
    return table(("field", "type", "meaning", "source"), rows)


def _optional(name: str, schema: Any) -> str:
    return "" if name in schema["required"] else ", optional"


def _type(schema: Any) -> str:
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    return str(schema["type"])


def shown(value: object) -> str:
    """A JSON value as a block."""
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def queue_page(made: str) -> str:
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
    return f"""{made}

# The message queue

What a lot reports comes over the vendor's message queue: Pulsar's WebSocket consumer protocol around an envelope of the
vendor's. Each fact below has its source: **documented** by the vendor or by Pulsar, **observed** in the vendor's
SDKs, in public samples or reports, or **our choice**, because nothing is published. `/openapi.json` has the same
shapes as JSON Schema under `x-queue`. Native Pulsar (port 7285) is not there.

## A consumer

```console
$ curl -s http://127.0.0.1:8290/_lab/projects/{DEFAULT_ACCESS_ID}/devices/{LOT}/records \\
>   -H 'Content-Type: application/json' \\
>   -d '{{"data_type": 0, "pass_direction": 0, "event_time": 1652779000000, "plate_no": "京A12345"}}'
{{"record_id":"pass-000001",...}}
```

```python
import base64
import hashlib
import json

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.sync.client import connect

access_id, secret = "{DEFAULT_ACCESS_ID}", "{DEFAULT_ACCESS_SECRET}"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def decrypt(data):
    decryptor = Cipher(algorithms.AES(secret[8:24].encode()), modes.ECB()).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(base64.b64decode(data)) + decryptor.finalize()) + unpadder.finalize()


path = f"ws/v2/consumer/persistent/{{access_id}}/out/event/{{access_id}}-sub"
query = "subscriptionType=Failover&ackTimeoutMillis=30000"
headers = {{"username": access_id, "password": md5(access_id + md5(secret))[8:24]}}
with connect(f"ws://127.0.0.1:8285/{{path}}?{{query}}", additional_headers=headers, proxy=None) as socket:
    frame = json.loads(socket.recv())
    payload = json.loads(base64.b64decode(frame["payload"]))
    signed = [f"{{key}}={{payload[key]}}" for key in sorted(payload) if key != "sign"]
    assert payload["sign"] == md5("||".join([*signed, secret]))
    report = json.loads(decrypt(payload["data"]))
    for status in report["status"]:
        print(report["devId"], status["code"], json.loads(status["value"])["plateNo"])
    socket.send(json.dumps({{"messageId": frame["messageId"]}}))  # once it is stored
```

```text
{LOT} vehicle_pass_record 京A12345
```

## Connecting

`{{ws}}ws/v2/consumer/persistent/{{access_id}}/out/{{topic}}/{{access_id}}-{{suffix}}`, where `ws` ends with a slash.

{table(("part", "what it is", "source"), CONNECTING)}

A handshake that is refused gets an HTTP status and a sentence in place of the upgrade (our choice):

{table(("status", "why"), REFUSALS)}

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

- **`sign`** ([documented](https://developer.tuya.com/cn/docs/iot/sign?id=Kavqdhsoc03yr)): all other fields that are not
  empty, as `key=value`, sorted by key, and then the access secret, joined by `||`; md5 in hex. That it is in lower
  case is our choice. AES-ECB has no tag: only the signature tells a damaged message from a whole one.
- **`data`** (documented): AES-128 with characters 8 to 23 of the access secret as its key, here `{_key()}`, in base64.
  `aes_ecb` has PKCS5 padding; `aes_gcm` (profile `gcm`) is 12 bytes of nonce, cipher text, 16 bytes of tag, without
  additional data. Frames say in `properties.em` which of them it is (observed).

## Status report

{fields(shapes.StatusReport)}

`status` has:

{fields(shapes.StatusEntry)}

{shown(report)}

The codes and their numbers are our choice, as the vendor does not publish them:

{table(("code", "data point", "what is in it"), named)}

## A pass

{fields(shapes.PassValue)}

{shown(passed)}

## A bill

{fields(shapes.BillValue)}

{shown(billed)}

## A correction and a re-report

A corrected record comes as a new message with the same `recordId` and other content: the last one counts. A re-report
repeats a record as the lot has it then, with the same `recordId` too; only `messageId`, `dataId` and times of the
message are new, and nothing says that it is one (our choice: the vendor is silent about any mark).

{shown(corrected)}

## The result of a command

{fields(shapes.CommandValue)}

{shown(result)}

## Delivery

- A subscription keeps a message until it is acknowledged. It is delivered again, with a higher `redeliveryCount`, when
  `ackTimeoutMillis` has passed, after a negative acknowledgement, and when the connection is lost (documented by
  Pulsar).
- Several consumers may share a Failover subscription; the first to connect is active, the others stand by (documented
  by Pulsar). A consumer that holds `receiverQueueSize` messages gets no more until it acknowledges one.
- Order is kept for a subscription without faults; redeliveries, delays and re-reports come after newer messages.
- A subscription gets what is published after it was made. `{{access_id}}-sub` is there from the start. Others are
  made when their first consumer connects, or, with the profile `own-subscriptions`, only by
  `POST /_lab/projects/{{p}}/subscriptions` (one public client knows of 404 at the vendor; Pulsar makes them), at most
  {MAX_SUBSCRIPTIONS} a project (our choice).

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
CONNECTING = (
    (
        "`{topic}`",
        "`event`, or `event-test` for the console's test environment; every message is on both",
        "documented",
    ),
    ("`{suffix}`", "`sub` for the subscription that is there from the start; not empty, without a slash", "documented"),
    ("header `username`", "the access id", "observed"),
    (
        "header `password`",
        f"characters 8 to 23 of md5(access id + md5(access secret)), hex: here `{PASSWORD}`",
        "observed",
    ),
    ("`?subscriptionType=`", "`Failover`, as the SDKs ask, or `Exclusive`, Pulsar's default", "documented"),
    (
        "`?ackTimeoutMillis=`",
        f"0 for none, Pulsar's default, or {MIN_ACK_TIMEOUT_MS} and more; the SDKs ask for 3000 and 30000",
        "documented",
    ),
    ("`?receiverQueueSize=`", f"1 to {MAX_RECEIVER_QUEUE}, by default 1000", "documented"),
    ("`?negativeAckRedeliveryDelay=`", "milliseconds, by default 60000", "documented"),
)
REFUSALS = (
    (400, "a parameter that cannot be used"),
    (401, "`username` or `password` is wrong"),
    (403, "the subscription's name is not `{access_id}-` and a suffix"),
    (404, "another path or topic; a subscription that nobody has made, with the profile `own-subscriptions`"),
    (409, "an exclusive consumer is or would be beside others; too many subscriptions"),
)
