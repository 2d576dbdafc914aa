"""The table in README that says what is known of the vendor and from where: counted, not claimed."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from packaging.requirements import Requirement

from contracts.rules import RULES
from mock_server.profile import open_points
from mock_server.web.data_plane.openapi import data_plane_paths
from mock_server.web.queue.handshake_shapes import handshake_schemas
from mock_server.wire.errors import ErrorCode
from mock_server.wire.message_shapes import message_schemas
from tests.markdown import table

ROOT = Path(__file__).parent.parent
BEGIN = "<!-- made by `make docs ARGS=readme` from the code: change it there -->\n\n"
END = "\n\n<!-- made until here -->"
_BETWEEN = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)

SDK_TESTS = "tests/sdk"
WIRE_TESTS = "tests/mock_server/wire"
DATA_PLANE_TESTS = "tests/mock_server/web/data_plane"

NOT_THERE = (
    "parking commands other than `records/sync`",
    "TLS of the API and the WebSocket (native Pulsar has it)",
    "OAuth users",
    "the C# SDK, which was read and not run",
)
"""What a user of the real cloud may look for in vain."""


def confidence_table() -> str:
    """Each source with how many facts have it, where they stand, and the tests that hold them."""
    rows = (_documented(), _observed(), _run(), _chosen(), ("**not there**", "; ".join(NOT_THERE), ""))
    return table(("what it stands on", "how much of it", "tests"), rows)


def readme_with_table(text: str) -> str:
    """README with the table as it is now. ValueError if it has no place for it."""
    if not _BETWEEN.search(text):
        raise ValueError(f"README has no place for the table: {BEGIN}...{END}")
    return _BETWEEN.sub(lambda _: confidence_table(), text)


def sources_of_fields() -> Counter[str]:
    """How many fields of the queue's messages and handshake have which source."""
    schemas: Any = message_schemas() | handshake_schemas()
    return Counter(each["x-source"] for schema in schemas.values() for each in schema["properties"].values())


def _documented() -> tuple[str, str, str]:
    fields, sources = sources_of_fields(), Counter(rule.source for rule in RULES.values())
    paths: Any = data_plane_paths()
    calls = sum(map(len, paths.values()))
    what = (
        f"{calls} calls and their signatures, {len(ErrorCode)} error codes, {fields['documented']} fields of the "
        f"[message queue](docs/wire.md); {sources['documented']} of {len(RULES)} [rules](docs/rules.md), from which "
        f"{sources['derived']} follow (the others are good practice)"
    )
    tests = (
        _tests("signatures", "tests/fixtures/test_signature_vectors.py"),
        _tests("calls", f"{DATA_PLANE_TESTS}/test_api.py"),
        _tests("messages", f"{WIRE_TESTS}/test_message_shapes.py"),
    )
    return "**documented** by the vendor or Pulsar", what, ", ".join(tests)


def _observed() -> tuple[str, str, str]:
    what = f"{sources_of_fields()['observed']} fields of the queue; the order of checks, what an envelope has and lacks"
    tests = (
        _tests("ten things that break an emulator", f"{SDK_TESTS}/test_ten_things.py"),
        _tests("checks", f"{DATA_PLANE_TESTS}/test_admission.py"),
    )
    return "**observed** in SDKs, samples, reports", what, ", ".join(tests)


def _run() -> tuple[str, str, str]:
    tests = (
        _tests("Python", f"{SDK_TESTS}/test_python_connector.py"),
        _tests("Node.js", f"{SDK_TESTS}/test_node_connector.py"),
        *(_tests(f"native {name}", f"{SDK_TESTS}/test_native_{name.lower()}.py") for name in ("Python", "Go", "Java")),
    )
    return "**run** against, unmodified", ", ".join(sdk_versions()), ", ".join(tests)


def _chosen() -> tuple[str, str, str]:
    points = len(list(open_points()))
    what = (
        f"{sources_of_fields()['our choice']} fields, among them all inside of passes and bills, which are not "
        f"published; {points} points that the vendor leaves open, each a field of a [profile](docs/profiles.md)"
    )
    tests = (
        _tests("profiles", "tests/mock_server/test_profile.py"),
        _tests("bodies", f"{WIRE_TESTS}/test_sync_request.py"),
    )
    return "**our choice**", what, ", ".join(tests)


def _tests(name: str, path: str) -> str:
    if not (ROOT / path).is_file():
        raise FileNotFoundError(path)
    return f"[{name}]({path})"


def sdk_versions() -> Iterator[str]:
    """The SDKs and their versions, from the files by which the tests get them."""
    yield f"`tuya-connector-python` {_pinned('tuya-connector-python')}"
    node = json.loads((ROOT / SDK_TESTS / "node" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    yield f"`@tuya/tuya-connector-nodejs` {node['@tuya/tuya-connector-nodejs']}"
    yield f"`pulsar-client` for Python {_oldest_pulsar_client()} and {_pinned('pulsar-client')}"
    for path in ("tuya/tuya-pulsar-sdk-go", "apache/pulsar-client-go", "tuya/tuya-connector-go"):
        yield f"`{path.partition('/')[2]}` {_go_version(path)}"
    yield f"`pulsar-client` for Java {_java_version('pulsar-client')}"


def _pinned(name: str) -> str:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (Requirement(line) for line in lines if line.startswith(f"{name}=="))
    return str(next(found).specifier).removeprefix("==")


def _oldest_pulsar_client() -> str:
    return _match("scripts/set-up", r"pulsar-client==([\d.]+)")


def _go_version(path: str) -> str:
    return _match("examples/go-native/go.mod", rf"github\.com/{path} (v[\d.]+)")


def _java_version(artifact: str) -> str:
    pom = ET.fromstring((ROOT / "examples/java-native/pom.xml").read_bytes())  # noqa: S314 our own file
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    found = pom.iterfind(".//m:dependency", namespace)
    return next(
        each.findtext("m:version", "", namespace)
        for each in found
        if each.findtext("m:artifactId", "", namespace) == artifact
    )


def _match(path: str, pattern: str) -> str:
    found = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"))
    if found is None:
        raise LookupError(f"{path} has no {pattern}")
    return found[1]
