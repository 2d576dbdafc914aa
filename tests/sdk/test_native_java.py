"""Apache's pulsar-client for Java, of which the vendor's Java SDK is made, against native Pulsar."""

from pathlib import Path

import pytest

from tests.sdk.native import WAYS, Native, Way, build_java, lost_pass_comes_again, page_prints_what_it_says
from tests.sdk.world import StartWorld

pytestmark = pytest.mark.sdks


@pytest.fixture(scope="module")
def command() -> list[str]:
    """The client, built once."""
    return build_java()


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_lost_pass_comes_again(way: Way, start_world: StartWorld, command: list[str], tmp_path: Path) -> None:
    """Token, wrong count, re-report and result; what is acknowledged is so with all that came before."""
    native = Native(way, start_world, command, tmp_path)
    lost_pass_comes_again(native, cumulative=True)
    clients = {each["client"] for each in native.world.history("consumer", carrier="native")}
    assert clients == {"Pulsar-Java-v3.0.7"}


def test_the_page(command: list[str]) -> None:
    """The quickstart's commands print what it says."""
    page_prints_what_it_says("java.md")
