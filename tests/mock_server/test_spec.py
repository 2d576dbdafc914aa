"""Settings of a parking made in Python: what is wrong is named, for `mock_parking` and for a server's project alike."""

from typing import Any

import pytest

from mock_server.lots.seed import default_seed
from mock_server.model import LATEST_MS
from mock_server.profile import Profile
from mock_server.spec import project_spec
from mock_server.testing.in_process import mock_parking
from tests.support import LOT, NOON

KEY = "0123456789abcdefghij"
SEED = default_seed().to_json()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"profile": "no-such"}, "profile"),
        ({"profile": {"no_such": 1}}, "profile.no_such is not known"),
        ({"profile": 7}, "profile"),
        ({"chaos": "wild"}, r"chaos.preset must be one of off, gentle"),
        ({"chaos": {"preset": "rough", "budget": -1}}, r"chaos.budget must be from 0"),
        ({"chaos": None}, "chaos must be a preset"),
        ({"clock": "sundial"}, "clock must be system or virtual"),
        ({"now_ms": NOON}, "now_ms needs a virtual clock"),
        ({"clock": "virtual", "now_ms": -1}, "now_ms must be from 0"),
        ({"clock": "virtual", "now_ms": LATEST_MS + 1}, "now_ms must be from 0"),
        ({"clock": "virtual", "now_ms": True}, "now_ms must be an integer, not a boolean"),
        ({"clock": "virtual", "now_ms": 1.5}, "now_ms must be an integer, not a fraction"),
        ({"seed": "seven"}, "seed 'seven' is not known; there are: quiet-lot, busy-day, many-brands"),
        ({"seed": -1}, "seed must be from 0"),
        ({"seed": True}, "seed must be a number for randomness, a seed's name or a seed file's object, not a boolean"),
        ({"seed": {}}, 'format must be "parking-mock/seed"'),
        ({"seed": SEED, "devices": [{}]}, "devices are in the seed already"),
        ({"seed": "quiet-lot", "devices": [{}]}, "devices are in the seed already"),
        ({"devices": [{"kind": "boat"}]}, r"devices\[0\].kind must be lot or lane"),
        ({"devices": [{"device_id": LOT}, {"device_id": LOT}]}, "is there twice"),
        ({"devices": {}}, "devices must be a list"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], words: str) -> None:
    """A wrong setting is a ValueError with its name, where it is made and not where it is used."""
    with pytest.raises(ValueError, match=words):
        mock_parking(**settings)
    with pytest.raises(ValueError, match=words):
        project_spec(**settings).make_project(KEY)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    """One message names every wrong setting."""
    wrong: dict[str, Any] = {"profile": "no-such", "chaos": "wild", "clock": "sundial", "seed": "x"}
    with pytest.raises(ValueError, match=r"profile.*chaos.*seed.*clock"):
        mock_parking(**wrong)


def test_elsewhere_is_pass_or_refuse() -> None:
    """What becomes of requests elsewhere has two answers."""
    with pytest.raises(ValueError, match='elsewhere must be "pass" or "refuse", not \'maybe\''):
        mock_parking(elsewhere="maybe")  # type: ignore[arg-type]  # that is what is refused


def test_defaults() -> None:
    """Without settings: the default profile, no chaos, no devices, the system's clock."""
    project = project_spec().make_project(KEY)
    assert (project.profile, project.chaos.preset, project.devices) == (Profile(), "off", {})


def test_settings_of_every_kind() -> None:
    """Profiles by name, as changes or as they are; chaos with seed and budget; devices; a seed's name or object."""
    chosen = project_spec(
        profile="gcm", chaos={"preset": "rough", "seed": 4, "budget": 9}, devices=[{"device_id": LOT}]
    )
    project = chosen.make_project(KEY, "secret")
    assert (project.profile.encryption, project.access_secret, list(project.devices)) == ("aes_gcm", "secret", [LOT])
    assert (project.chaos.preset, project.chaos.seed, project.chaos.budget) == ("rough", 4, 9)
    own = Profile(encryption="aes_gcm")
    assert project_spec(profile=own).make_project(KEY).profile is own
    assert len(project_spec(seed=SEED).make_project(KEY).devices) == 3
    assert len(project_spec(seed="quiet-lot").make_project(KEY).store) == 7


def test_the_seed_is_the_chaos_seed_too() -> None:
    """One number makes a run repeatable: chaos takes it unless it has its own."""
    assert project_spec(seed=5, chaos="rough").make_project(KEY).chaos.seed == 5
    assert project_spec(seed=5).make_project(KEY).random_seed == 5


def test_a_virtual_clock_starts_at_the_present_unless_told() -> None:
    """`now_ms` sets a virtual clock; without it, it starts now."""
    assert project_spec(clock="virtual", now_ms=NOON).make_project(KEY).clock.now_ms() == NOON
    assert project_spec(clock="virtual").make_project(KEY).clock.now_ms() > NOON
