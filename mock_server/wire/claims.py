"""Which cells a call claims counts of, read from what the history shows of it."""

import re
from functools import partial

from mock_server.model import LATEST_MS, Cell
from mock_server.problems import parse_json
from mock_server.profile import Profile
from mock_server.wire.errors import VendorError
from mock_server.wire.sync_request import read_sync_request

_PATH = re.compile(r"/v1\.0/parking-control/([^/]+)/records/sync")
_read = partial(read_sync_request, profile=Profile(max_sync_infos=1_000), now_ms=LATEST_MS)


def claimed_cells(path: str, body: str) -> list[Cell]:
    """The cells of a records/sync call, none for other calls and for bodies that are none."""
    match = _PATH.fullmatch(path)
    if match is None:
        return []
    try:
        return [info.cell for info in _read(parse_json(body.encode("utf-8", "replace")), match[1])]
    except (ValueError, VendorError):
        return []
