"""The job of docs/ci.md, parsed, and its own steps run."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
ACTION = ROOT / "action.yml"
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
DELIVERIES = "contracts.clients.zoo.counting:CountsDeliveries"
SMALL = {"PARKING_MOCK_EXAMPLES": "3", "PARKING_MOCK_CASE": "count/copies count/lines", "PARKING_MOCK_JOBS": "1"}


def blocks(kind: str) -> list[str]:
    """The blocks of this kind."""
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def steps() -> list[dict[str, Any]]:
    """The steps of the job."""
    workflow = yaml.safe_load(blocks("yaml")[0])
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert job["runs-on"]
    return list(job["steps"])


def run_steps(folder: Path, client: str, rules: str) -> subprocess.CompletedProcess[str]:
    """The steps that are ours, as the job runs them, with a client in a package of this folder."""
    (folder / "my_package").mkdir()
    (folder / "my_package" / "__init__.py").touch()
    module, _, name = client.partition(":")
    (folder / "my_package" / "client.py").write_text(f"from {module} import {name} as MyClient\n", encoding="utf-8")
    (folder / "known-failing.txt").write_text(blocks("text")[0], encoding="utf-8")
    (ours,) = [step["run"] for step in steps() if step.get("run", "").startswith("parking-mock ")]
    return run_words(shlex.split(ours), folder, PARKING_MOCK_RULE=rules)


def run_words(words: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Our own command as a job runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARKING_MOCK_")}
    job = {"CI": "true", "GITHUB_ACTIONS": "true", "TERM": "xterm-256color"}
    assert words[0] == "parking-mock"
    return subprocess.run(  # noqa: S603 our own documentation
        [sys.executable, "-m", "mock_server", *words[1:]],
        cwd=folder,
        env=kept | SMALL | job | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "rules", "code"),
    [("contracts.clients.reference:ReferenceClient", "*", 0), (DELIVERIES, "CNT-RECORD-ID CNT-PAGING", 1)],
)
def test_the_job_judges_a_client(client: str, rules: str, code: int, tmp_path: Path) -> None:
    """Its exit code decides; the log is plain text; the report's folder has what the next steps keep."""
    done = run_steps(tmp_path, client, rules)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    paths = {step["with"]["path"] for step in steps() if "path" in step.get("with", {})}
    assert paths == {"report"}
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    names = {case.get("name") for case in ET.parse(tmp_path / "report" / "junit.xml").iter("testcase")}  # noqa: S314 our own file
    assert names == {each["rule"] for each in report["rules"]}


def test_the_report_is_kept_whatever_the_verdict() -> None:
    """The steps behind the check run also where it fails."""
    names = [step.get("run", step.get("uses", "")) for step in steps()]
    place = next(place for place, name in enumerate(names) if name.startswith("parking-mock "))
    assert len(steps()) > place + 1
    assert all(step["if"] == "always()" for step in steps()[place + 1 :])


def test_every_flag_of_check_has_a_variable() -> None:
    """Named for the flag, but for the seed's; `--list` and what goes with it aside, with which nothing is checked."""
    from contracts.commands.check import check  # noqa: PLC0415 it alone is looked at here

    for option in check.params:
        flag = option.opts[0].removeprefix("--")
        if flag not in ("list", "coverage"):
            wanted = "CHECK_SEED" if flag == "seed" else flag.upper().replace("-", "_")
            assert option.envvar == f"PARKING_MOCK_{wanted}", flag


def test_actions_of_others_are_pinned() -> None:
    """By a whole commit, with the version beside it for whoever reads it."""
    used = re.findall(r"uses: (\S+)(.*)", PAGE)
    others = [(name, note) for name, note in used if not name.startswith("./")]
    assert len(others) >= 4
    for name, note in others:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)
        assert re.fullmatch(r"\s+# v\d+\.\d+\.\d+", note)


@pytest.mark.slow
def test_the_action_judges_a_client(tmp_path: Path) -> None:
    """Its inputs are variables of `check`; an empty one is none, and no script has an input in it."""
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    install, judge = action["runs"]["steps"]
    assert '"$GITHUB_ACTION_PATH"' in install["run"]
    assert not any("${{" in step["run"] for step in (install, judge))
    inputs = dict.fromkeys(action["inputs"], "") | {"client": DELIVERIES, "rules": "2026.1", "report": "here"}
    named = {name: re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text) for name, text in judge["env"].items()}
    assert {found[1] for found in named.values() if found} == set(inputs)
    variables = {name: inputs[found[1]] for name, found in named.items() if found}
    small = {"PARKING_MOCK_CASE": "count/copies", "PARKING_MOCK_RULE": "CNT-RECORD-ID"}
    done = run_words(shlex.split(judge["run"]), tmp_path, **variables, **small)
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads((tmp_path / "here" / "report.json").read_bytes())["edition"] == "2026.1"
    assert "::error title=CNT-RECORD-ID::" in done.stdout


def test_the_action_on_the_page_has_known_inputs() -> None:
    """And the job at GitLab runs the command of the job at GitHub."""
    inputs = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
    ((step,), gitlab) = map(yaml.safe_load, blocks("yaml")[1:])
    assert set(step["with"]) <= set(inputs)
    (ours,) = [step["run"] for step in steps() if step.get("run", "").startswith("parking-mock ")]
    assert ours in gitlab["contract"]["script"]
