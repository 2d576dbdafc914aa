"""The vendor's loops on trial, each in one case that shows what it does wrong: `make sdk-verdicts` plays all."""

import pytest

from contracts.sdk.causes import CAUSES
from contracts.sdk.loops import LOOPS
from contracts.sdk.trial import PLAIN
from tests.make_sdk_verdicts import measure

pytestmark = pytest.mark.sdks

SHOWN = {
    "python-connector": "REC-ASK-AGAIN",
    "python-native": "REC-NACK",
    "node": "REC-ASK-AGAIN",
    "go": "REC-ASK-AGAIN",
    "java": "REC-ASK-AGAIN",
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_caught(name: str) -> None:
    """A message is damaged when it first comes: the loop breaks the rule, and none that has no cause in words."""
    LOOPS[name].prepare()
    broken = measure(name, [0], [PLAIN._replace(cases=("receive/damage",))])["broken"]
    assert isinstance(broken, dict)
    assert SHOWN[name] in broken
    assert broken.keys() <= CAUSES[name].keys()
