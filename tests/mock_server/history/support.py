"""What the fold of a history says, as plain values that can be compared."""

from typing import Any

from mock_server.history.index import Delivery, HistoryIndex, LotRecord
from mock_server.model import RecordKey


def picture(index: HistoryIndex) -> dict[str, Any]:
    """Everything that an index has, with records and deliveries by their keys where they stand in one another."""
    return {
        "records": {key: _record(record) for key, record in index.records.items()},
        "messages": {
            name: (message.time, message.event, _key(message.record), message.delivered, _seqs(message.latest.values()))
            for name, message in index.messages.items()
        },
        "deliveries": [
            {name: getattr(each, name) for name in Delivery.__slots__} | {"record": _key(each.record)}
            for each in index.deliveries
        ],
        "others": (index.last, index.calls, index.compared, index.rereports, index.faults, index.faults_by_call),
        "world": (index.consumers, index.devices),
    }


def _record(record: LotRecord) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in LotRecord.__slots__}
    return fields | {"deliveries": _seqs(record.deliveries)}


def _key(record: LotRecord | None) -> RecordKey | None:
    return None if record is None else record.key


def _seqs(deliveries: Any) -> list[int]:
    return [each.seq for each in deliveries]
