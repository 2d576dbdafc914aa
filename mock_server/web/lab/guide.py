"""Lab views of a demo's guide: the present caption, and orders of its viewers."""

from flask import request

from mock_server.guide import Guide
from mock_server.lab_shapes import GuideOrder
from mock_server.model import JsonObject
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.shapes import read_shape
from mock_server.web.lab.history_lines import MAX_AFTER
from mock_server.web.lab.request import LabError, json_object, query_number, refuse_problems
from mock_server.web.serving.inline import wait_for

MAX_TIMEOUT_MS = 60_000
"""The longest wait of a long poll."""


class GuideViews:
    """The views. Each is a 404 on a server without a guide."""

    def __init__(self, guide: Guide | None) -> None:
        self._guide = guide

    def show(self) -> JsonObject:
        """`GET guide?after=N&timeout_ms=`: answers once its number is above N, or at the timeout."""
        guide = self._get()
        after = query_number("after", 0, MAX_AFTER)
        timeout_ms = query_number("timeout_ms", 0, MAX_TIMEOUT_MS)
        if guide.number <= after:
            wait_for(request.environ, guide.listen, timeout_ms)
        return guide.to_json()

    def steer(self) -> JsonObject:
        """`POST guide`: order, speed, act."""
        guide = self._get()
        problems: list[Problem] = []
        reader = Reader(json_object('{"order": "pause"}'), "", problems)
        given = read_shape(GuideOrder, reader)
        last = len(guide.acts) - 1
        if given.get("act", 0) > last:
            reader.note(ProblemKind.RANGE, "act", f"must be from 0 to {last}")
        refuse_problems(problems)
        guide.steer(**given)
        return guide.to_json()

    def _get(self) -> Guide:
        if self._guide is None:
            raise LabError(404, "no_guide", "this server tells no story: `parking-mock demo` starts one that does")
        self._guide.note_viewer()
        return self._guide
