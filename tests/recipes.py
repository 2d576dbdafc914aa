"""The recipes of CONTRIBUTING.md as changes: what somebody who follows one would write.

Each is made in a copy of the tree by `tests/test_recipes.py`. So a recipe that no longer leads to green tests, or that
leaves a place out, is found here and not by a newcomer.
"""

from pathlib import Path
from typing import Literal, NamedTuple


class Edit(NamedTuple):
    """`text` is put behind the first line with `anchor`, before it, or in its place."""

    path: str
    text: str
    anchor: str
    place: Literal["behind", "before", "instead"] = "behind"

    def make(self, root: Path) -> None:
        """Make the change. LookupError if the anchor is gone."""
        path = root / self.path
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [place for place, line in enumerate(lines) if self.anchor in line]
        if not places:
            raise LookupError(f"no line of {self.path} has {self.anchor!r}: mend the recipe")
        until, since = places[0] + (self.place == "behind"), places[0] + (self.place != "before")
        path.write_text("".join([*lines[:until], self.text, *lines[since:]]), encoding="utf-8")


PROFILE_FIELD = (
    Edit(
        "mock_server/profile.py",
        """    short_window: Literal["allow", "refuse"] = _open(
        "allow", "A4", "may a window be shorter than a second?", "the page gives no least span"
    )
""",
        "    max_sync_infos:",
        "before",
    ),
    Edit(
        "mock_server/wire/sync_request.py",
        """        if self._profile.short_window == "refuse" and start < end < start + 1_000:
            return "must be at least a second after the start"
""",
        "        if end <= start:",
        "before",
    ),
    Edit(
        "tests/mock_server/wire/test_sync_request.py",
        '''def test_a_profile_may_refuse_a_window_shorter_than_a_second() -> None:
    """It is taken by default (A4)."""
    short = body(sync_info(0, start=NOON - 999))
    assert len(read(short)) == 1
    assert "at least a second" in refusal(short, short_window="refuse").msg


''',
        "def test_several_infos_stay_in_their_order",
        "before",
    ),
)

LAB_CALL = (
    Edit(
        "mock_server/web/lab/world.py",
        '''    def show_device(self, project_id: str, device_id: str) -> DeviceJson:
        """`GET devices/{d}`."""
        return device_to_json(_device(self._find(project_id), device_id))

''',
        "    def add_device(",
        "before",
    ),
    Edit(
        "mock_server/web/lab/app.py",
        """        "showDevice": world.show_device,
""",
        '"listProjectDevices": world.list_devices',
    ),
    Edit(
        "mock_server/web/lab/openapi.py",
        """        _DEVICE: _of_device(get=_of("showDevice", "One device", _ok(ref("Device"))), patch=_change_device()),
""",
        "        _DEVICE: ",
        "instead",
    ),
    Edit(
        "mock_server/lab_client.py",
        '''    def device(self, device_id: str) -> DeviceJson:
        """One device."""
        return cast("DeviceJson", self._call("GET", f"/devices/{_part(device_id)}"))

''',
        "    def add_device(",
        "before",
    ),
    Edit(
        "tests/mock_server/web/lab/test_world.py",
        '''def test_a_device_is_shown(world: LabProject) -> None:
    """As it was added; a stranger is refused with 404."""
    assert world.device(LOT) in world.devices()
    with pytest.raises(LabApiError, match="404"):
        world.device("nobody")


''',
        "def test_devices_are_added",
        "before",
    ),
    Edit(
        "tests/mock_server/test_lab_client.py",
        """        "showDevice": LabProject.device,
""",
        '"listProjectDevices": LabProject.devices',
    ),
)

RULE = (
    Edit(
        "contracts/rules/converging_cost.py",
        '''

@RULES.rule(
    "CONV-STATUS",
    "should",
    "practice",
    statement="The status of one command is asked for ten times at most.",
    why="What became of a command comes as a message. Asking again and again costs calls and tells nothing new.",
)
def asks_for_status(run: Run) -> Outcome:
    """Exercised by any sync: whoever sends a command may ask about it."""
    asked: dict[str, list[int]] = defaultdict(list)
    for call in run.calls:
        if call.request.path.startswith("/v1.0/expand/cmds/"):
            asked[call.request.path].append(call.seq)
    often = (seqs for seqs in asked.values() if len(seqs) > MOST_QUESTIONS)
    return judged(run.syncs, (Breach(f"asked about one command {len(seqs)} times", seqs[-1]) for seqs in often))


MOST_QUESTIONS = 10
''',
        "def _forgotten(question: Question)",
        "before",
    ),
    Edit(
        "contracts/clients/zoo/converging.py",
        '''@breaks("CONV-STATUS")
class AsksForTheStatus(ReferenceClient):
    """Asks for the status of each command over and over."""

    def take_result(self, value: dict[str, Any]) -> None:
        """Once is not enough."""
        super().take_result(value)
        for _ in range(11):
            self._api.business("GET", f"/v1.0/expand/cmds/{value['sn']}")


''',
        '@breaks("CONV-BUDGET")',
        "before",
    ),
    Edit(
        "contracts/cases/converging.py",
        """    Case(
        "converge/status",
        ("CONV-STATUS",),
        "Commands whose results come as messages.",
        scenario(records(1, 2), settles=False, runs_ms=2 * HOUR),
    ),
""",
        "CASES = (",
    ),
    Edit(
        "tests/contracts/rules/test_converging.py",
        """    ("CONV-STATUS", ZOO["AsksForTheStatus"].client, for_hours(2, *hour_of([1]))),
""",
        '    ("CONV-BUDGET", OneCallForEachCell, IDLE),',
    ),
    Edit(
        "tests/contracts/rules/test_converging.py",
        """    "CONV-STATUS": Scenario(settles=False),
""",
        '    "CONV-BUDGET": for_hours(5),',
    ),
)

FAULT_KIND = (
    Edit(
        "mock_server/faults/catalogue.py",
        """    ANSWER_TWICE = _kind("answer.twice", CALL, Spoils.ANSWER, "it is carried out; the answer comes twice")
""",
        "    ANSWER_TRUNCATED = ",
        "before",
    ),
    Edit(
        "mock_server/web/data_plane/mishap.py",
        """    FaultKind.ANSWER_TWICE: lambda content: content + content,
""",
        "    FaultKind.ANSWER_EMPTY: lambda",
    ),
    Edit(
        "tests/mock_server/faults/test_faults.py",
        """        (FaultKind.ANSWER_TWICE, lambda raw: raw[: len(raw) // 2] * 2 == raw),
""",
        "        (FaultKind.ANSWER_EMPTY, lambda raw",
    ),
    Edit(
        "contracts/run/known_faults.py",
        """        FaultKind.ANSWER_TWICE,
""",
        "        FaultKind.ANSWER_EMPTY,",
    ),
    Edit(
        "contracts/rules/evidence/errors.py",
        """GARBLING = frozenset(
    {FaultKind.ANSWER_NOT_JSON, FaultKind.ANSWER_EMPTY, FaultKind.ANSWER_TRUNCATED, FaultKind.ANSWER_TWICE}
)
""",
        "GARBLING = ",
        "instead",
    ),
)

VENDOR_COMMAND = (
    Edit(
        "mock_server/project.py",
        '''    def open_gate(self, device_id: str) -> Command:
        """Issue a command that needs nothing of the lot. CommandRefusedError leaves everything as it was."""
        return self.commands.issue(device_id, self._outcome(device_id))

''',
        "    def take_offline(",
        "before",
    ),
    Edit(
        "mock_server/web/data_plane/api.py",
        '''def _open_gate(call: ApiCall) -> JsonObject:
    """`POST /v1.0/parking-control/{device_id}/gate/open`."""
    try:
        return {"sn": call.project.open_gate(call.name).sn}
    except CommandRefusedError as refused:
        raise VendorError(_refusal_code(call.project, refused.reason)) from None


''',
        "def _refusal_code(",
        "before",
    ),
    Edit(
        "mock_server/web/data_plane/api.py",
        """    ("POST", "/v1.0/parking-control/<name>/gate/open", _open_gate),
""",
        '/records/sync", _sync_records)',
    ),
    Edit(
        "mock_server/web/data_plane/openapi.py",
        """        "/v1.0/parking-control/{device_id}/gate/open": {"post": _open_gate()},
""",
        '/records/sync": {"post": _sync()}',
    ),
    Edit(
        "mock_server/web/data_plane/openapi.py",
        """def _open_gate() -> JsonObject:
    result = answered({"sn": {"type": "string", "description": "the serial number of the command"}})
    return _call("openGate", "Open the gate of a lot", result, _device_id())


""",
        "def _sync() -> JsonObject:",
        "before",
    ),
    Edit(
        "tests/mock_server/web/data_plane/test_api.py",
        '''def test_a_gate_is_opened_by_a_command(api: Api) -> None:
    """The answer is a serial number; a lot that does not support it refuses."""
    path = "/v1.0/parking-control/{}/gate/open"
    sn = api.call("POST", path.format(LOT))["result"]["sn"]
    assert api.project.commands.get(sn) is not None
    assert api.call("POST", path.format(JIESHUN_LOT))["code"] == 2003


''',
        "def test_a_body_that_is_too_long_is_refused_unread",
        "before",
    ),
)


RECIPES = {
    "A profile field": PROFILE_FIELD,
    "A fault kind": FAULT_KIND,
    "A rule": RULE,
    "A lab call": LAB_CALL,
    "A vendor command": VENDOR_COMMAND,
}
"""The recipes by their headings in CONTRIBUTING.md."""
