"""The example clients in Go and Java, which speak native Pulsar: how they are built, and what each has to see."""

import os
from pathlib import Path
from typing import Literal, NamedTuple

from mock_server.profile import Profile
from tests.pages import ROOT, SDK_PAGES, Example, check, serving, steps, with_real_ports
from tests.sdk.builds import QUICK_JAVA, make, need
from tests.sdk.program import Program
from tests.sdk.world import DEADLINE_S, MINUTE, StartWorld, World
from tests.support import LOT

GO, JAVA = ROOT / "examples" / "go-native", ROOT / "examples" / "java-native"

BOTH_GO_SDKS = "-ldflags=-X=google.golang.org/protobuf/reflect/protoregistry.conflictPolicy=ignore"
"""With this one program may have both, docs/quickstart/go.md says why."""

PATIENCE_S = 2 * DEADLINE_S
"""How long a Java machine or a reconnection may take where everything else runs too."""


class Way(NamedTuple):
    """A way to reach the queue: the scheme of its address, its partitions, the cipher of its messages."""

    scheme: str
    partitions: int
    cipher: Literal["aes_ecb", "aes_gcm"]


WAYS = (
    Way("pulsar", 0, "aes_ecb"),
    Way("pulsar+ssl", 0, "aes_gcm"),
    Way("pulsar", 11, "aes_gcm"),
    Way("pulsar+ssl", 11, "aes_ecb"),
)
"""Each scheme with each number of partitions, each with a cipher that the other half has not."""


def build_go() -> list[str]:
    """The command that runs the Go client. Builds it, which takes a minute where no cache has its modules."""
    need("go")
    make(GO, ["go", "build", BOTH_GO_SDKS, "-o", "build/client", "."], {"CGO_ENABLED": "0"})
    return [str(GO / "build" / "client")]


def build_java() -> list[str]:
    """The command that runs the Java client. Fetches what it needs and compiles it."""
    need("javac", "mvn")
    kept = JAVA / "build" / "classpath.txt"
    if not _is_fetched(kept):
        make(
            JAVA, ["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=build/classpath.txt"], QUICK_JAVA
        )
    make(JAVA, ["javac", "-Werror", "-cp", kept.read_text(), "-d", "build/classes", "Client.java"], QUICK_JAVA)
    return ["java", "-cp", f"{JAVA / 'build' / 'classes'}{os.pathsep}{kept.read_text()}", "Client"]


def _is_fetched(classpath: Path) -> bool:
    """Whether Maven has fetched what `pom.xml` names, and it is still there."""
    if not classpath.exists() or classpath.stat().st_mtime < (JAVA / "pom.xml").stat().st_mtime:
        return False
    return all(Path(each).exists() for each in classpath.read_text(encoding="utf-8").split(os.pathsep))


class Native:
    """Worlds with a native queue that is reached in some way, and clients for them."""

    def __init__(self, way: Way, start_world: StartWorld, command: list[str], folder: Path) -> None:
        self.world = start_world(Profile(encryption=way.cipher, queue_partitions=way.partitions))
        self.way, self._command, self._folder = way, command, folder

    def client(self, count: int) -> Program:
        """A client that claims `count` passes of the past hour once it has them."""
        now = self.world.now_ms()
        arguments = [LOT, str(now - 60 * MINUTE), str(now + MINUTE), str(count)]
        return Program([*self._command, *arguments], self._folder, os.environ | self._variables(), PATIENCE_S)

    def _variables(self) -> dict[str, str]:
        """Where the world is, by the names of the vendor's Go connector."""
        return {
            "TUYA_API_HOST": self.world.api,
            "TUYA_MSG_HOST": self.world.threaded.server.pulsar.replace("pulsar:", f"{self.way.scheme}:"),
            "TUYA_ACCESSID": self.world.access_id,
            "TUYA_ACCESSKEY": self.world.access_secret,
        }


def page_prints_what_it_says(name: str) -> None:
    """Each command of a quickstart runs against one server and prints what the page says."""
    (page,) = (each for each in SDK_PAGES if each.name == name)
    with serving() as server:
        for step in steps(with_real_ports(page.read_text(encoding="utf-8"), server)):
            assert isinstance(step, Example)
            check(step, ROOT, page.name)


def lost_pass_comes_again(native: Native, *, cumulative: bool) -> None:
    """Of three passes one is lost: two are claimed, and the third comes again over native Pulsar, with the result."""
    world = native.world
    arrived = world.add_passes(2, plate_no="京A12345")
    lost = world.add_passes(1, plate_no="京B67890", uplink="lose")
    with native.client(count=2) as client:
        seen = client.next()
        world.wait_until_idle()
    (rereport,) = world.rereports()
    assert lost[0] in rereport["record_ids"]
    assert seen["passes"] == {**dict.fromkeys(arrived, "京A12345"), lost[0]: "京B67890"}
    assert (seen["claimed"], seen["sn"], seen["result"]["sn"]) == (2, rereport["sn"], rereport["sn"])
    assert (seen["result"]["processStatus"], list(seen["ciphers"])) == (3, [native.way.cipher])
    _everything_is_acknowledged(world, cumulative=cumulative)


def _everything_is_acknowledged(world: World, *, cumulative: bool) -> None:
    published = {each["message_id"] for each in world.history("message.published")}
    acknowledged = world.history("message.acknowledged")
    assert {each["message_id"] for each in acknowledged} == published
    assert {each["cumulative"] for each in acknowledged} == {cumulative}
