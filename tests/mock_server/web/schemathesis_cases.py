"""What Schemathesis does with one operation: it makes the cases, and judges the answers of a server to them.

`test_schemathesis.py` imports this when it runs: importing Schemathesis takes a second in each process of pytest.
"""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.checks import CheckContext
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.pytest.plugin import SchemathesisCase
from schemathesis.specs.openapi import checks

from mock_server.lots.seed import default_seed
from mock_server.model import DAY, INT64_MAX
from mock_server.project import Project
from mock_server.spec import ProjectSpec
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.server import Server, ThreadedServer
from mock_server.wire.sync_asked import CAMEL, SNAKE
from tests.mock_server.web.conftest import DEADLINE_S
from tests.strategies import new_pass
from tests.support import ADDRESSES, LOT, NOON, sign

DOCUMENT: Any = openapi(ADDRESSES)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
REJECTION = SCHEMA.config.checks.negative_data_rejection
REJECTION.expected_statuses = [*REJECTION.expected_statuses, "413"]  # a list that is too long
SCHEMA.config.generation.update(max_examples=15, deterministic=True, database="none")

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""A case is several requests to a real server: how fast it is and how large its data are is no finding."""

SECRET = "0123456789abcdef0123456789abcdef"
RECORD = "pass-000001"

BEYOND_SCHEMA = re.compile(
    "is there twice|must be one of the seed's devices|belongs to a lot|must not be before command_sent_ms"
    "|time does not go back|time ends at|nested deeper|the file cannot be imported|(integer|object), not a fraction"
)
"""What is refused although the schema allows it: no JSON Schema can say it."""

STATUS_OF_CODE = {1000: 404, 1106: 404, 1108: 404, 1004: 401, 1005: 401, 1010: 401, 1013: 401, 2001: 409, 2003: 409}
"""What HTTP would have said, for checks that look at the status; every other code means 400."""


def try_cases(request: pytest.FixtureRequest, operation: str, judge: Callable[..., None]) -> None:
    """Have Schemathesis make the cases of one operation, and try all of them.

    Its `parametrize` makes those of every operation when tests are collected: many seconds in each process of pytest,
    whatever is run. Here the same test is collected and called inside of ours.
    """
    schema = SCHEMA.include(operation_id=operation)
    collector = SchemathesisCase.from_parent(request.node.parent, name=operation, test_function=judge, schema=schema)
    (item,) = collector.collect()
    item.funcargs = {name: request.getfixturevalue(name) for name in ("server", "threaded")}
    item.ihook.pytest_pyfunc_call(pyfuncitem=item)


@contextmanager
def a_project(threaded: ThreadedServer) -> Iterator[Project]:
    """A calm project with one record that nobody waits for: whatever a case does to it, the next has its own.

    It is made where the server runs and not by calls of its lab plane, of which there would be thousands.
    """
    cloud = threaded.server.cloud
    spec = ProjectSpec(seed=default_seed(), clock="virtual", now_ms=NOON)
    project = threaded.run(lambda: cloud.add(spec.make_project(cloud.new_keys()[0], SECRET)))
    threaded.run(lambda: project.keep([new_pass(RECORD, NOON, fate="lose")]))
    try:
        yield project
    finally:
        for each in cloud:
            threaded.run(partial(cloud.remove, each))


@contextmanager
def direct_session() -> Iterator[requests.Session]:
    """A session that looks for no proxy in the environment, which took a tenth of the time of thousands of cases."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def is_negative(case: Any, location: ParameterLocation) -> bool:
    """Whether that part of the case is wrong on purpose."""
    return bool(case.meta.is_negative_at(location))


def put_in_place(case: Any, project: Project) -> None:
    """Let the path name what is there; of the random ones every second is left to name nothing."""
    drawn = str(case.path_parameters.get("project_id", ""))
    strange = case.meta.phase.name is TestPhase.FUZZING and len(drawn) % 2
    if is_negative(case, ParameterLocation.PATH) or strange:
        return
    there = {"project_id": project.access_id, "device_id": LOT, "record_id": RECORD}
    for name in case.path_parameters:
        case.path_parameters[name] = there.get(name, case.path_parameters[name])


def accepts_what_the_schema_allows(ctx: CheckContext, response: Any, case: Any) -> bool | None:
    """The check of Schemathesis, but for what no schema can say."""
    if response.status_code == 400 and BEYOND_SCHEMA.search(response.json()["error"]["message"]):
        return None
    return checks.positive_data_acceptance(ctx, response, case)


def says_what_to_do(_ctx: CheckContext, response: Any, case: Any) -> bool | None:
    """Every refusal has a code and a sentence, and no answer opens the lab plane to other sites."""
    if any(name.lower().startswith("access-control-") for name in response.headers):
        raise Failure(operation=case.operation.label, title="CORS", message="a CORS header")
    if response.status_code >= 400 and case.method != "HEAD":
        error = response.json()["error"]
        if not (re.fullmatch("[a-z_]+", error["code"]) and len(error["message"]) > 10):
            raise Failure(operation=case.operation.label, title="no help", message=str(error))
    return None


@SCHEMA.parametrize()
@PATIENT
def judge_lab_call(case: Any, server: Server, threaded: ThreadedServer) -> None:
    """One case of the lab plane."""
    case.headers = {**(case.headers or {}), "Accept": "*/*"}
    with a_project(threaded) as project, direct_session() as session:
        put_in_place(case, project)
        case.call_and_validate(
            base_url=server.lab,
            session=session,
            timeout=DEADLINE_S,
            additional_checks=[accepts_what_the_schema_allows, says_what_to_do],
            excluded_checks=[checks.positive_data_acceptance],
        )


def in_terms_of_http(response: Any) -> Any:
    """The answer as it would be if the vendor used HTTP's statuses."""
    translated = copy.copy(response)
    envelope = response.json()
    translated.status_code = 200 if envelope["success"] else STATUS_OF_CODE.get(envelope["code"], 400)
    return translated


def refuses_what_is_wrong(ctx: CheckContext, response: Any, case: Any) -> bool | None:
    """Schemathesis' check, with the envelope's code in place of the status."""
    return checks.negative_data_rejection(ctx, in_terms_of_http(response), case)


def accepts_what_is_right(ctx: CheckContext, response: Any, case: Any) -> bool | None:
    """Schemathesis' check, with the envelope's code in place of the status, but for what no schema can say."""
    if BEYOND_SCHEMA.search(response.json().get("msg", "")):
        return None
    return checks.positive_data_acceptance(ctx, in_terms_of_http(response), case)


def misses_headers(ctx: CheckContext, response: Any, case: Any) -> bool | None:
    """Schemathesis' check, with the envelope's code in place of the status."""
    return checks.missing_required_header(ctx, in_terms_of_http(response), case)


def make_windows_legal(body: Any) -> None:
    """No schema can say that a window ends after its start and within 24 hours."""
    for keys in (SNAKE, CAMEL) if isinstance(body, dict) else ():
        for info in body.get(keys.record_sync_infos, ()):
            info[keys.start_time] %= INT64_MAX - DAY
            info[keys.end_time] = info[keys.start_time] + 1 + info[keys.end_time] % DAY


class Signer(AuthBase):
    """Signs what is really sent, as a client of the project."""

    def __init__(self, project: Project, token: str = "") -> None:
        self.project = project
        self.token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Give a request the headers of a signed call."""
        method, target, body = request.method or "", request.path_url, request.body or b""
        headers = {"client_id": self.project.access_id, "t": str(NOON), "sign_method": "HMAC-SHA256"}
        headers |= {"access_token": self.token} if self.token else {}
        request.headers.update(headers)
        request.headers.pop("Signature-Headers", None)
        prefix = f"{self.project.access_id}{self.token}{NOON}{request.headers.get('nonce', '')}"
        raw = body if isinstance(body, bytes) else body.encode()
        request.headers["sign"] = sign(SECRET, method, signed_target(target), raw, prefix)
        return request


def signed_target(target: str) -> str:
    """What is signed as the url: the path as sent, the decoded query in the order of its keys."""
    path, _, query = target.partition("?")
    first = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    return path + ("?" if first else "") + "&".join(f"{key}={first[key]}" for key in sorted(first))


def connect(session: requests.Session, server: Server, project: Project) -> Signer:
    """A signer with the project's token."""
    url = f"{server.api}/v1.0/token?grant_type=1"
    answer = session.get(url, auth=Signer(project), timeout=DEADLINE_S).json()
    return Signer(project, answer["result"]["access_token"])


@SCHEMA.parametrize()
@PATIENT
def judge_call(case: Any, server: Server, threaded: ThreadedServer) -> None:
    """One case of the data plane."""
    if not is_negative(case, ParameterLocation.BODY):
        make_windows_legal(case.body)
    with a_project(threaded) as project, direct_session() as session:
        put_in_place(case, project)
        signer = Signer(project) if case.path.startswith("/v1.0/token") else connect(session, server, project)
        session.auth = None if is_negative(case, ParameterLocation.HEADER) else signer
        case.call_and_validate(
            base_url=server.api,
            session=session,
            timeout=DEADLINE_S,
            additional_checks=[refuses_what_is_wrong, accepts_what_is_right, misses_headers],
            excluded_checks=[
                checks.negative_data_rejection,
                checks.positive_data_acceptance,
                checks.missing_required_header,
                checks.unsupported_method,  # the vendor answers 200 and code 1108 (observed)
            ],
        )
