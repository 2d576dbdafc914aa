"""Frames recorded from real clients (pulsar-client 3.5.0 beside a throw-away broker), with the commands that they hold.

The access id is `parkingmockdefault01`; the message is ledger 1, entry 300.
"""

from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import (
    UNASKED,
    AckType,
    CommandAck,
    CommandActiveConsumerChange,
    CommandCloseConsumer,
    CommandConnect,
    CommandConnected,
    CommandError,
    CommandFlow,
    CommandLookupTopic,
    CommandPartitionedTopicMetadata,
    CommandPartitionedTopicMetadataResponse,
    CommandPing,
    CommandRedeliverUnacknowledgedMessages,
    CommandSubscribe,
    CommandSuccess,
    KeyValue,
    MessageIdData,
    MessageMetadata,
    PulsarCommand,
    ServerError,
    SubType,
)

ACCESS_ID = "parkingmockdefault01"
TOPIC = f"persistent://{ACCESS_ID}/out/event"
MESSAGE_ID = MessageIdData(1, 300)

FROM_CLIENT: dict[str, tuple[str, PulsarCommand]] = {
    "connect": (
        (
            "0000006e0000006a080212660a1150756c7361722d4350502d76332e352e311a427b22757365726e616d65223a20227061726b696e676d"
            "6f636b64656661756c743031222c2270617373776f7264223a2233343931333862323761333636643239227d20142a0561757468315204"
            "08011001"
        ),
        CommandConnect(
            "Pulsar-CPP-v3.5.1",
            b'{"username": "parkingmockdefault01","password":"349138b27a366d29"}',
            20,
            "auth1",
        ),
    ),
    "partitioned metadata": (
        (
            "000000380000003408"
            "15aa012f0a2b70657273697374656e743a2f2f7061726b696e676d6f636b64656661756c7430312f6f75742f6576656e741001"
        ),
        CommandPartitionedTopicMetadata(TOPIC, 1),
    ),
    "lookup": (
        (
            "0000003c000000380817ba01330a2b70657273697374656e743a2f2f7061726b696e676d6f636b64656661756c7430312f6f75742f6576"
            "656e74100218003a00"
        ),
        CommandLookupTopic(TOPIC, 2),
    ),
    "subscribe": (
        (
            "000000700000006c080422680a2b70657273697374656e743a2f2f7061726b696e676d6f636b64656661756c7430312f6f75742f657665"
            "6e7412187061726b696e676d6f636b64656661756c7430312d737562180220002800320f766563746f722d636f6e73756d657238004001"
            "580068007000"
        ),
        CommandSubscribe(
            TOPIC,
            f"{ACCESS_ID}-sub",
            SubType.FAILOVER,
            0,
            0,
            "vector-consumer",
            priority_level=0,
            durable=True,
            initial_position=0,
        ),
    ),
    "flow": ("0000000d00000009080b5a05080010e807", CommandFlow(0, 1000)),
    "cumulative ack": (
        "000000130000000f080a520b080010011a05080110ac02",
        CommandAck(0, AckType.CUMULATIVE, (encode(MESSAGE_ID),)),
    ),
    "ack before the first": (
        "0000001c00000018080a5214080010011a0e08e80710ffffffffffffffffff01",
        CommandAck(0, AckType.CUMULATIVE, (encode(MessageIdData(1000, -1)),)),
    ),
    "redeliver": ("0000000b000000070814a201020800", CommandRedeliverUnacknowledgedMessages(0)),
    "close consumer": ("0000000d00000009081082010408001001", CommandCloseConsumer(0, 1)),
    "ping": ("00000009000000050812920100", CommandPing()),
}
"""What the client sent: the frame in hexadecimal, and the command."""

FROM_BROKER: dict[str, tuple[str, PulsarCommand]] = {
    "connected": (
        "0000001d0000001908031a150a0c7061726b696e672d6d6f636b1014188080c002",
        CommandConnected("parking-mock", 20, 5_242_880),
    ),
    "no partitions": (
        "0000000f0000000b0816b20106080010011800",
        CommandPartitionedTopicMetadataResponse(0, 1, 0),
    ),
    "success": ("0000000a00000006080d6a020800", CommandSuccess(0)),
    "active": ("0000000d00000009081ffa010408001001", CommandActiveConsumerChange(0, is_active=True)),
    "close consumer": ("0000001600000012081082010d080010ffffffffffffffffff01", CommandCloseConsumer(0, UNASKED)),
    "refused": (
        "0000001900000015080e721108ffffffffffffffffff0110031a026e6f",
        CommandError(UNASKED, ServerError.AUTHENTICATION, "no"),
    ),
}
"""What the broker sent, and both clients took."""

MESSAGE_FRAME = (
    "000000900000000d08094a0908001205080110ac020e01ea6ed3bc000000270a0c7061726b696e672d6d6f636b10ac0218c390f48a8d30220d"
    "0a02656d12076165735f6563627b2264617461223a202241414141222c202270726f746f636f6c223a20342c20227076223a2022322e30222c"
    "202274223a20313635323737393937363737312c20227369676e223a20223030227d"
)
MESSAGE_PAYLOAD = b'{"data": "AAAA", "protocol": 4, "pv": "2.0", "t": 1652779976771, "sign": "00"}'
MESSAGE_METADATA = MessageMetadata("parking-mock", 300, 1_652_779_976_771, (KeyValue("em", "aes_ecb"),))
