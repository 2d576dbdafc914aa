"""Long JSON answers in pieces, with turns for others between them: snapshots, re-reports, calls as HAR."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from flask import Response, request
from msgspec import structs

from mock_server.history.har import CREATOR, har_entries
from mock_server.history.log import Entry
from mock_server.lab_shapes import SEED_FORMAT, SEED_VERSION
from mock_server.lots.seed import NewRecord, device_to_json
from mock_server.model import Device, Rereport
from mock_server.web.serving.wsgi import IN_PIECES

PIECE_PARTS, PIECE_BYTES = 100, 64 * 1024
"""The most parts of a piece, and the bytes after which it ends: a millisecond's work."""

IDS_A_PART = 500
"""The most ids in a part."""


def answer_in_pieces(parts: Iterable[bytes]) -> Response:
    """The answer to the present request: parts of a JSON text, each of which is made in well under a millisecond."""
    request.environ[IN_PIECES] = True
    return Response(_joined(iter(parts)), content_type="application/json")


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    piece: list[bytes] = []
    for part in parts:
        piece.append(part)
        if len(piece) >= PIECE_PARTS or sum(map(len, piece)) > PIECE_BYTES:
            yield b"".join(piece)
            piece.clear()
    yield b"".join(piece)


def seed_parts(devices: Sequence[Device], records: Iterable[NewRecord | None]) -> Iterator[bytes]:
    """A seed file of devices and records; None in place of a record is a step without one."""
    yield _dumped({"format": SEED_FORMAT, "version": SEED_VERSION})[:-1] + b',"devices":'
    yield from _array([_dumped(device_to_json(device))] for device in devices)
    yield b',"records":'
    yield from _array([] if record is None else [_dumped(record.to_json())] for record in records)
    yield b"}"


def rereport_parts(rereports: Iterable[Rereport]) -> Iterator[bytes]:
    """Re-reports as an array."""
    yield from _array(map(_rereport_parts, rereports))


def har_parts(entries: Iterable[Entry], api: str) -> Iterator[bytes]:
    """The calls of a history as a HAR file."""
    yield b'{"log":{"version":"1.2","creator":' + _dumped(CREATOR) + b',"entries":'
    yield from _array([_dumped(each)] for each in har_entries(entries, api))
    yield b"}}"


def _rereport_parts(rereport: Rereport) -> Iterator[bytes]:
    head = {
        "sn": rereport.sn,
        "time": rereport.time,
        "cell": structs.asdict(rereport.cell),
        "claimed": rereport.claimed,
        "counted": rereport.counted,
    }
    yield _dumped(head)[:-1]
    for name in ("record_ids", "message_ids"):
        yield b',"%s":' % name.encode()
        yield from _array(_id_parts(getattr(rereport, name)))
    yield b"}"


def _array(values: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """An array of values, each given by its parts; one without any is left out."""
    yield b"["
    comma = b""
    for value in values:
        for number, part in enumerate(value):
            yield part if number else comma + part
            comma = b","
        yield b""
    yield b"]"


def _id_parts(ids: Sequence[str]) -> Iterator[list[bytes]]:
    rest = iter(ids)
    while some := list(islice(rest, IDS_A_PART)):
        yield [_dumped(some)[1:-1]]


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
