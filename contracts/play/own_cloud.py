"""What users say of their own cloud: its answers to what the vendor leaves open, and the scenarios that agree."""

from dataclasses import replace

from contracts.play.scenario import Scenario
from mock_server.model import JsonObject
from mock_server.profile import PRESETS, Profile


def stated_by(data: object) -> JsonObject:
    """The fields that a profile (a preset's name, or an object of fields with an optional base) answers itself.

    Those of a base are the ones in which it differs from the default. The profile must be a right one.
    """
    if not isinstance(data, dict):
        data = {"base": data}
    usual, base = PRESETS["default"].to_json(), PRESETS[str(data.get("base", "default"))].to_json()
    differing = {name: value for name, value in base.items() if value != usual[name]}
    return differing | {name: value for name, value in data.items() if name != "base"}


def in_own_cloud(scenario: Scenario, stated: JsonObject) -> Scenario | None:
    """The scenario in a cloud with these answers, None if it is about another cloud. As it is if nothing is stated.

    Every project has one encryption of messages, and its users have chosen it: it is stated with anything else.
    """
    if not stated:
        return scenario
    answers = stated_by(scenario.profile)
    known = {"encryption": Profile().encryption} | stated
    if any(answers.get(name, value) != value for name, value in known.items()):
        return None
    return replace(scenario, profile=scenario.profile | stated, is_own_cloud=True)
