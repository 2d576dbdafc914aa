"""Tests of what users say of their own cloud: what contradicts it is not played, and what follows from it is judged."""

import json
from pathlib import Path

import pytest

from contracts.check.engine import Plan, check
from contracts.clients.zoo.windows import CountsBetween
from contracts.play.own_cloud import in_own_cloud, stated_by
from contracts.play.scenario import BEGIN, Happens, Scenario
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import run_of
from mock_server.model import HOUR, JsonObject
from tests.command_line import run_here

EDGE = BEGIN + HOUR - 500
PLAYED_NOTHING = (
    "no run could be judged",
    "the cases made for it are form/spelling: none of them was played",
)


@pytest.mark.parametrize(
    ("profile", "stated", "played"),
    [
        ({}, {}, {}),
        ({}, {"encryption": "aes_gcm"}, {"encryption": "aes_gcm"}),
        ({"encryption": "aes_gcm"}, {"encryption": "aes_ecb"}, None),
        ({"encryption": "aes_gcm"}, {"key_spelling": "camel"}, None),
        ({"base": "closed-windows"}, {"window_bounds": "[s,e)"}, None),
        ({"base": "closed-windows"}, {"window_bounds": "[s,e]"}, {"base": "closed-windows", "window_bounds": "[s,e]"}),
        ({"key_spelling": "snake"}, {"window_bounds": "[s,e)"}, {"key_spelling": "snake", "window_bounds": "[s,e)"}),
    ],
)
def test_a_scenario_is_played_in_the_stated_cloud_or_not_at_all(
    profile: JsonObject, stated: JsonObject, played: JsonObject | None
) -> None:
    """What a scenario leaves open is as stated; one that is about another answer is none of this client's business."""
    found = in_own_cloud(Scenario(profile=profile), stated)
    assert (None if found is None else found.profile) == played
    assert found is None or Scenario.from_json(found.to_json()) == found


def test_a_preset_states_what_it_answers_otherwise() -> None:
    """Its other fields are open; in a file each field is stated, the usual answers too."""
    assert stated_by("closed-windows") == {"window_bounds": "[s,e]"}
    assert stated_by({"encryption": "aes_ecb"}) == {"encryption": "aes_ecb"}
    assert stated_by("default") == {}


def test_a_wrong_count_at_a_boundary_breaks_a_must_rule_in_a_cloud_of_which_users_know_the_bounds() -> None:
    """Elsewhere nobody can know them, and WIN-BOUNDARY alone is told."""
    scenario = Scenario((Happens(EDGE, "r1"),), runs_ms=3 * HOUR, settles=False)
    own = in_own_cloud(scenario, {"window_bounds": "[s,e)"})
    assert own is not None
    assert judge(run_of(own, CountsBetween), [RULES["CNT-TRUTH"]])["CNT-TRUTH"].breaches
    assert not judge(run_of(scenario, CountsBetween), [RULES["CNT-TRUTH"]])["CNT-TRUTH"].breaches


def test_a_case_about_another_cloud_is_not_played() -> None:
    """Its rule is not exercised, and says why."""
    plan = Plan(("FORM-CASE-ADAPTS",), ("form/spelling",), examples=3, stated={"key_spelling": "either"})
    found = check(CountsBetween, plan)
    assert found.runs == 0
    (rule,) = found.rules
    assert found.reason(rule) in PLAYED_NOTHING


def test_check_takes_a_profile_from_a_file_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    """Exit code 2 names what is wrong."""
    file = tmp_path / "cloud.json"
    file.write_text(json.dumps({"key_spelling": "camel"}), encoding="utf-8")
    client = ("check", "--client", "contracts.clients.reference:ReferenceClient", "--examples", "6", "--jobs", "1")
    chosen = ("--case", "form/spelling", "--rule", "FORM-CASE-ADAPTS")
    assert run_here(*client, *chosen, "--profile", str(file), "--seed", "1").returncode == 0
    file.write_text('{"key_spelling": "mixed"}', encoding="utf-8")
    refused = run_here(*client, *chosen, "--profile", str(file))
    assert (refused.returncode, "key_spelling" in refused.shown) == (2, True)
