"""The loops on trial: what each is, where it comes from, and the command that runs it.

What a loop needs is installed or built once, into a folder of the user's cache: the adapters' own folder may be shared,
or not be writable. Python packages are the user's to install, beside the judge.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from contracts.sdk.building import MissingToolError, Prepared, prepare_go, prepare_java, prepare_node


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """A loop of the vendor's.

    `package` and `version` are what is run; `origin` says where the loop itself was published. One that is `published`
    runs unmodified from a package registry; of the others there is only source, without a package or a licence, so
    that the loop is our own writing, on the library that the original asks for. `prepare` returns the command that runs
    its adapter; MissingToolError says what is to be installed first.
    """

    name: str
    package: str
    version: str
    carrier: Literal["websocket", "native"]
    published: bool
    origin: str
    prepare: Callable[[], Prepared]

    @property
    def agent(self) -> str:
        """The name that reports show."""
        return self.package if self.published else f"loop on {self.package}"


def _python(adapter: str, package: str, wanted: str) -> Callable[[], Prepared]:
    """How to run an adapter in Python, once the package that it needs is there in this version."""

    def prepare() -> Prepared:
        try:
            found = version(package)
        except PackageNotFoundError:
            found = None
        if found != wanted:
            has = "is not installed" if found is None else f"is here in version {found}"
            raise MissingToolError(f"{package} {has}: pip install {package}=={wanted}")
        return Prepared([sys.executable, "-P", "-m", f"contracts.sdk.adapters.{adapter}"], Path.cwd())

    return prepare


_ALL = (
    LoopSpec(
        "python-connector",
        "tuya-connector-python",
        "0.1.2",
        "websocket",
        published=True,
        origin="PyPI; class TuyaOpenPulsar",
        prepare=_python("python_connector", "tuya-connector-python", "0.1.2"),
    ),
    LoopSpec(
        "python-native",
        "pulsar-client",
        "3.13.0",
        "native",
        published=False,
        origin="github.com/tuya/tuya-pulsar-sdk-python at 3148d00, consumer_example.py",
        prepare=_python("python_native", "pulsar-client", "3.13.0"),
    ),
    LoopSpec(
        "node",
        "ws",
        "8.18.3",
        "websocket",
        published=False,
        origin="tuya-pulsar-ws-node, its example (read in a copy: the package is not on npm)",
        prepare=prepare_node,
    ),
    LoopSpec(
        "go",
        "tuya-pulsar-sdk-go",
        "0.9.0",
        "native",
        published=True,
        origin="the Go module proxy; Consumer.ReceiveAndHandle, on pulsar-client-go v0.14.0",
        prepare=prepare_go,
    ),
    LoopSpec(
        "java",
        "pulsar-client",
        "3.0.7",
        "native",
        published=False,
        origin="github.com/tuya/tuya-pulsar-sdk-java at 4b9a250, MqConsumer",
        prepare=prepare_java,
    ),
)

LOOPS: Mapping[str, LoopSpec] = {loop.name: loop for loop in _ALL}
"""The loops by name."""
