"""`parking-mock demo`: ten cars, three lost records, and the count that finds them.

The story runs on a real server with a real client, and every number in it is read from the project's history: it is
told as it happens and ends with exit code 3 if it does not happen so.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import click
import requests

from contracts.clients.small import BILLS, PASSES, RefusedError, SmallClient, Window
from mock_server.cli import default_project
from mock_server.cloud import Cloud
from mock_server.history import mask_plate
from mock_server.model import JIESHUN, JsonObject, PassDirection
from mock_server.web.server import Server, ThreadedServer, silence_uvicorn

TEN = 1_652_752_800_000
"""2022-05-17 10:00 in Beijing: the story's hour. It lies in the past, so that the story is the same on every day."""

MINUTE = 60_000
HOUR = 60 * MINUTE
PLATES = (
    *("京A12345", "沪B6E888", "粤B58A21", "苏E5D005", "浙A0X729"),
    *("", "川A9K310", "鄂AD12345", "闽D77B06", "津C4M158"),
)
LOST = (2, 5, 8)
"""Which of the ten get lost; the car without a plate is one of them."""

FEN = 1_500
TIMEOUT_S = 10

TITLE = "parking-mock demo: ten cars, three lost records, and the count that finds them"
HINT = """
The client (contracts/clients/small.py) ends with what the lot has: 10 cars and 1 bill, each once.

Now yours:  parking-mock serve      prints the addresses and keys that your client needs
            parking-mock --help     what else there is"""

_WIDTH = 8


class DemoError(click.ClickException):
    """The story went otherwise than it should: a defect of parking-mock."""

    exit_code = 3


@click.command()
@click.option("--headless", is_flag=True, help="Tell the story as text and end.")
def demo(*, headless: bool) -> None:
    """Show lost records, and the count that finds them."""
    if not headless:
        raise click.UsageError("the demo's page comes with the dashboard, which is not here yet: use --headless")
    silence_uvicorn()
    cloud = Cloud()
    project = cloud.add(default_project())
    click.echo(TITLE)
    with ThreadedServer(Server(cloud)) as running:
        exports: Any = running.server.exports(project)
        keys = (exports["api"], exports["ws"], exports["access_id"], exports["access_secret"])
        now_ms = project.clock.now_ms
        with Lab(exports["lab"], exports["access_id"]) as lab, SmallClient(*keys, now_ms) as client:
            for number, step in enumerate(Story(lab, client, exports["devices"]).steps(), start=1):
                click.echo(f"\n{number:>2} {step}")
    click.echo(HINT)


class Lab:
    """The lab plane of one project: bring records, wait until nothing is pending, read what has happened."""

    def __init__(self, url: str, access_id: str) -> None:
        self.access_id = access_id
        self._project = f"{url}/_lab/projects/{access_id}"
        self._seen = 0
        self._http = requests.Session()
        self._http.trust_env = False  # the server is on this machine, whatever proxy the environment names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def add_records(self, device_id: str, records: Sequence[JsonObject]) -> None:
        """Let a lot have records."""
        url = f"{self._project}/devices/{device_id}/records"
        answer = self._http.post(url, json=records, timeout=TIMEOUT_S)
        _hold(answer.status_code == requests.codes.created, answer.text)

    def settle(self) -> "News":
        """Wait until nothing is pending; return what has happened since the last time."""
        idle = self._get("idle", timeout_ms=TIMEOUT_S * 1000).json()
        _hold(idle["idle"], f"the project does not come to rest: {idle['pending']}")
        events = [json.loads(line) for line in self._get("history", after=self._seen).content.splitlines()]
        self._seen = events[-1]["seq"] if events else self._seen
        return News(events)

    def _get(self, what: str, **query: int) -> requests.Response:
        return self._http.get(f"{self._project}/{what}", params=query, timeout=2 * TIMEOUT_S)


class News:
    """Some history."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self._events = events

    def of(self, kind: str, **fields: object) -> list[dict[str, Any]]:
        """The events of a kind whose fields have these values."""
        return [
            event
            for event in self._events
            if event["kind"] == kind and all(event[name] == value for name, value in fields.items())
        ]

    def one(self, kind: str) -> dict[str, Any]:
        """The one event of a kind."""
        found = self.of(kind)
        _hold(len(found) == 1, f"there should be one {kind}, there are {len(found)}")
        return found[0]

    def call(self) -> str:
        """The client's last call and its answer, in one line."""
        request, answer = self.of("request")[-1], self.of("answer")[-1]
        claimed = json.loads(request["body"])["recordSyncInfos"][0]["totalCount"]
        said = f"success, sn {answer['sn']}" if answer["code"] is None else f"code {answer['code']}, {answer['msg']}"
        return f"{request['method']} {request['path']}  totalCount {claimed} -> {said}"


class Story:
    """The steps of the demo, one text each."""

    def __init__(self, lab: Lab, client: SmallClient, devices: Sequence[dict[str, Any]]) -> None:
        self._lab = lab
        self._client = client
        lots = [device for device in devices if device["kind"] == "lot"]
        self._lot = next(lot for lot in lots if lot["supplier_code"] != JIESHUN)
        self._jieshun = next(lot for lot in lots if lot["supplier_code"] == JIESHUN)

    def steps(self) -> Iterator[str]:
        """The whole story."""
        cars = self._window(PASSES, PassDirection.ENTER)
        yield from self._cars_enter()
        yield from self._reconcile(cars, "cars")
        yield from self._reconcile(cars, "cars")
        yield from self._a_bill()
        yield from self._reconcile(self._window(BILLS, None), "bills")
        yield from self._jieshun_refuses()

    def _window(self, data_type: int, direction: int | None, device_id: str = "") -> Window:
        return Window(device_id or self._lot["device_id"], data_type, direction, TEN, TEN + HOUR)

    def _cars_enter(self) -> Iterator[str]:
        records = [
            _record(PASSES, TEN + place * MINUTE, plate, lose=place in LOST, pass_direction=PassDirection.ENTER)
            for place, plate in enumerate(PLATES)
        ]
        self._lab.add_records(self._lot["device_id"], records)
        news = self._lab.settle()
        kept, lost = news.of("record.kept"), {event["record_id"] for event in news.of("record.lost")}
        name = self._lot["device_name"]
        yield _step(
            "lot",
            f"{len(kept)} cars enter {name} from 10:00 to 11:00. The line is bad: {len(lost)} records get lost.",
            self._published(len(news.of("message.published", origin="uplink"))),
            "sent  " + _plates(event for event in kept if event["record_id"] not in lost),
            "lost  " + _plates(event for event in kept if event["record_id"] in lost),
        )
        yield self._delivery(news, "The client stores each, then acknowledges it.")

    def _delivery(self, news: News, then: str) -> str:
        acknowledged = news.of("message.acknowledged")
        subjects = {event["message_id"] for event in news.of("message.published") if event["record_id"]}
        records = [event for event in acknowledged if event["message_id"] in subjects]
        access_id, event = self._lab.access_id, records[-1]
        path = f"WS /ws/v2/consumer/persistent/{access_id}/out/{event['topic']}/{event['subscription']}"
        return _step("queue", f"Delivers {_many(len(records), 'record')}. {then}", path)

    def _reconcile(self, window: Window, what: str) -> Iterator[str]:
        """The client tells its count; the lot compares, and reports the window again if it must."""
        before = self._client.count(window)
        self._client.sync(window)
        news = self._lab.settle()
        compared = news.one("count.compared")
        yield _step("client", f"Counts {before} {what} in that hour and tells the lot.", news.call())
        if compared["equal"]:
            yield self._silence(news, compared)
        else:
            yield self._rereport(news, compared)
            after = self._client.count(window)
            _hold(after == compared["counted"], f"the client counts {after}, the lot {compared['counted']}")
            known = f"The client knows {before} by their record ids: it has {after} now." if before else "Found."
            yield self._delivery(news, known)

    def _rereport(self, news: News, compared: dict[str, Any]) -> str:
        told = news.one("rereport")
        messages = news.of("message.published", origin="rereport")
        _hold(len(messages) == told["records"], "a re-report should be one message a record")
        claimed, counted = compared["claimed"], compared["counted"]
        again = (
            f"all {counted} again, under their old record ids" if counted > 1 else "it again, under its old record id"
        )
        return _step("lot", f"Counts {counted}, not {claimed}: reports {again}.", self._published(len(messages)))

    def _silence(self, news: News, compared: dict[str, Any]) -> str:
        _hold(not news.of("message.published", origin="rereport"), "equal counts should re-report nothing")
        _hold(news.one("message.published")["sn"] == compared["sn"], "the one message should be the command's result")
        topic = f"persistent://{self._lab.access_id}/out/event"
        return _step(
            "lot", f"Counts {compared['counted']} too, and says nothing.", f"only the command's result on {topic}"
        )

    def _published(self, messages: int) -> str:
        return f"{_many(messages, 'record message')} on persistent://{self._lab.access_id}/out/event"

    def _a_bill(self) -> Iterator[str]:
        plate = PLATES[0]
        bill = _record(BILLS, TEN + 50 * MINUTE, plate, lose=True, enter_time=TEN, payable_amount=FEN, paid_amount=FEN)
        self._lab.add_records(self._lot["device_id"], [bill])
        news = self._lab.settle()
        bills, lost = news.of("record.kept"), news.of("record.lost")
        yield _step(
            "lot",
            f"{mask_plate(plate)} pays {FEN / 100:.2f} yuan. The line is still bad: {len(lost)} bill gets lost.",
            self._published(len(news.of("message.published", origin="uplink"))),
            "lost  " + _plates(bills),
        )

    def _jieshun_refuses(self) -> Iterator[str]:
        window = self._window(PASSES, PassDirection.ENTER, self._jieshun["device_id"])
        try:
            self._client.sync(window)
        except RefusedError as refused:
            call = self._lab.settle().call()
            yield _step("client", f"Asks {self._jieshun['device_name']}, a lot of the brand Jieshun, to compare.", call)
            yield _step(
                "lot", "Cannot: Jieshun lots do not take this command.", f"HTTP 200, and yet code {refused.code}"
            )
        else:
            raise DemoError("the Jieshun lot should have refused")


def _record(data_type: int, time: int, plate: str, *, lose: bool, **further: object) -> JsonObject:
    uplink = "lose" if lose else "deliver"
    return {"data_type": data_type, "event_time": time, "plate_no": plate, "uplink": uplink, **further}


def _step(who: str, text: str, *lines: str) -> str:
    """One step: who does what, and below it what goes over the wire."""
    indent = " " * (_WIDTH + 3)
    return "\n".join((f"{who:<{_WIDTH}}{text}", *(indent + line for line in lines)))


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _plates(events: Iterable[dict[str, Any]]) -> str:
    return "  ".join(event["plate_no"] or "(no plate)" for event in events)


def _hold(fact: object, otherwise: str) -> None:
    if not fact:
        raise DemoError(otherwise)
