"""The kinds of faults that the rules allow for.

A run in which another kind has struck cannot be judged: its effect on the client is unknown here. The list is no copy
of the catalogue: a kind is added once every rule has been reviewed for its effect.
"""

from mock_server.faults.catalogue import FaultKind
from mock_server.history.index import Delivery

KNOWN_FAULTS: frozenset[str] = frozenset(
    {
        FaultKind.UPLINK_LOSE,
        FaultKind.UPLINK_DUPLICATE,
        FaultKind.UPLINK_DELAY,
        FaultKind.UPLINK_SWAP,
        FaultKind.REREPORT_SHUFFLE,
        FaultKind.REREPORT_SPREAD,
        FaultKind.REREPORT_LOSE,
        FaultKind.REREPORT_DUPLICATE,
        FaultKind.REREPORT_DELAY,
        FaultKind.COMMAND_LOSE,
        FaultKind.ANSWER_LOSE,
        FaultKind.ANSWER_LATE,
        FaultKind.ANSWER_BUSY,
        FaultKind.ANSWER_ERROR,
        FaultKind.ANSWER_REFUSE,
        FaultKind.ANSWER_UNKNOWN_CODE,
        FaultKind.ANSWER_NOT_JSON,
        FaultKind.ANSWER_NO_RESULT,
        FaultKind.ANSWER_EMPTY,
        FaultKind.ANSWER_TRUNCATED,
        FaultKind.ANSWER_UNKNOWN_FIELDS,
        FaultKind.TOKEN_EXPIRE,
        FaultKind.TOKEN_REVOKE,
        FaultKind.TOKEN_REGION,
        FaultKind.TIME_REFUSE,
        FaultKind.DEVICE_OFFLINE,
        FaultKind.SOCKET_CLOSE,
        FaultKind.SOCKET_IDLE,
        FaultKind.CONSUMER_CLOSE,
        FaultKind.SUBSCRIBE_REFUSE,
        FaultKind.ACK_LOSE,
        FaultKind.MESSAGE_BAD_CHECKSUM,
        FaultKind.MESSAGE_FLIP_BIT,
        FaultKind.MESSAGE_LEAP_SECOND,
        FaultKind.MESSAGE_UNKNOWN_FIELDS,
        FaultKind.MESSAGE_UNKNOWN_EVENT,
        FaultKind.RECORD_NO_PLATE,
        FaultKind.RECORD_ZERO_FEE,
        FaultKind.RECORD_UNKNOWN_ENUM,
        FaultKind.RECORD_DELETE,
        FaultKind.RECORD_CORRECT,
    }
)


def has_unknown_fields(delivery: Delivery) -> bool:
    """Whether a message was delivered with undocumented fields."""
    return FaultKind.MESSAGE_UNKNOWN_FIELDS in delivery.faults
