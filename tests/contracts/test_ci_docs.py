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

PAGE = (Path(__file__).parent.parent.parent / "docs" / "ci.md").read_text(encoding="utf-8")
SMALL = {"PARKING_MOCK_EXAMPLES": "3", "PARKING_MOCK_CASE": "count/copies count/lines", "PARKING_MOCK_JOBS": "1"}


def block(kind: str) -> str:
    """The one block of this kind."""
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def steps() -> list[dict[str, Any]]:
    """The steps of the job."""
    workflow = yaml.safe_load(block("yaml"))
    (job,) = workflow["jobs"].values()
    assert job["runs-on"]
    return list(job["steps"])


def run_steps(folder: Path, client: str) -> subprocess.CompletedProcess[str]:
    """The steps that are ours, as the job runs them, with a client in a package of this folder."""
    (folder / "my_package").mkdir()
    (folder / "my_package" / "__init__.py").touch()
    module, _, name = client.partition(":")
    (folder / "my_package" / "client.py").write_text(f"from {module} import {name} as MyClient\n", encoding="utf-8")
    (folder / "known-failing.txt").write_text(block("text"), encoding="utf-8")
    (ours,) = [step["run"] for step in steps() if step.get("run", "").startswith("parking-mock ")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARKING_MOCK_")}
    return subprocess.run(  # noqa: S603 our own documentation
        [sys.executable, "-m", "mock_server", *shlex.split(ours)[1:]],
        cwd=folder,
        env=kept | SMALL | {"CI": "true", "GITHUB_ACTIONS": "true", "TERM": "xterm-256color"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "code"),
    [("contracts.clients.reference:ReferenceClient", 0), ("contracts.clients.zoo.counting:CountsDeliveries", 1)],
)
def test_the_job_judges_a_client(client: str, code: int, tmp_path: Path) -> None:
    """Its exit code decides; the log is plain text; the report's folder has what the next steps keep."""
    done = run_steps(tmp_path, client)
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
