"""What a scenario is about and how its world differs from the default one, in words."""

from collections.abc import Iterator

from contracts.cases import CASES, VARIANTS, case_of
from contracts.play.scenario import BEGIN, MIDNIGHT, Scenario
from mock_server.history.story import how_many
from mock_server.model import SECOND
from mock_server.profile import Profile
from mock_server.words import clock_text


def title_of(case_id: str) -> str:
    """What happens in a case, in a sentence; empty for what is no case: a free exploration, an observed session."""
    return case_of(case_id).doc if case_id in CASES or case_id in VARIANTS else ""


def settings_text(scenario: Scenario) -> str:
    """The settings of a scenario. Of profile, clock and instances only what differs from the default is told."""
    return "; ".join(_settings(scenario))


def _settings(scenario: Scenario) -> Iterator[str]:
    profile = {name: value for name, value in scenario.profile.items() if name != "encryption"}
    yield f"profile {', '.join(f'{name} {value}' for name, value in profile.items()) or 'default'}"
    yield f"encryption {scenario.profile.get('encryption', Profile().encryption)}"
    yield f"time zone {scenario.tz}"
    if scenario.skew_ms:
        yield f"the client's clock is {abs(scenario.skew_ms) / SECOND:g} s {'fast' if scenario.skew_ms > 0 else 'slow'}"
    if scenario.instances > 1:
        yield f"{scenario.instances} instances"
    if scenario.lots != ("tuya",):
        untold = f", {len(scenario.unlisted)} of which the client is not told" if scenario.unlisted else ""
        yield f"{how_many(len(scenario.lots), 'lot')} ({', '.join(scenario.lots)}){untold}"
    if scenario.decoy:
        yield f"before the cloud: {scenario.decoy}"
    if scenario.begin != BEGIN:
        yield f"started at {clock_text(MIDNIGHT + scenario.begin)}"
