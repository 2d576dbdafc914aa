"""`parking-mock doctor`: what this machine lacks, and how to get it."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import click

from mock_server.cli import free_unless_given, serve
from mock_server.needs import Prerequisite, everything
from mock_server.store_option import StorePlace
from mock_server.version import __version__
from mock_server.web.serving.listening import loopback

PORTS = ("port", "ws_port", "pulsar_port", "lab_port")
"""The parameters of `serve` that are ports."""

_WRONG = 2
_NAMES = {"host", *PORTS, "store"}
_WIDTH = 16


@click.command(params=[each for each in serve.params if each.name in _NAMES])
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on one line.")
def doctor(*, host: str, store: StorePlace, as_json: bool, **ports: int) -> None:
    """Say what this machine lacks, and how to get it.

    It looks at what serve would use with the same flags and variables, and changes nothing. Exit code 2 if something
    is wrong; what only some uses need is told as missing, and is no error.
    """
    findings = list(everything(_addresses(host, ports), store, os.environ))
    is_well = all(each.state != "wrong" for each in findings)
    if as_json:
        told: dict[str, Any] = {"version": __version__, "well": is_well, "findings": [x.to_json() for x in findings]}
        click.echo(json.dumps(told))
    else:
        click.echo(as_text(findings))
    sys.exit(0 if is_well else _WRONG)


def _addresses(host: str, ports: dict[str, int]) -> dict[str, tuple[str, int]]:
    """The addresses of `serve` by their flags. Without a token the lab plane stays on loopback."""
    chosen = ports if ports["port"] else {name: free_unless_given(name, port) for name, port in ports.items()}
    hosts = {"lab_port": loopback(host)}
    return {f"--{name.replace('_', '-')}": (hosts.get(name, host), chosen[name]) for name in PORTS}


def as_text(findings: Sequence[Prerequisite]) -> str:
    """A line for each finding, what to do below it, and a sentence for all."""
    lines = [f"parking-mock {__version__} on {platform.python_implementation()}, {platform.system()}"]
    for each in findings:
        lines.append(f"  {each.state:<8} {each.name:<{_WIDTH}} {each.found}")
        lines += [f"{'':<{_WIDTH + 11}} {each.remedy}"] if each.remedy else []
    return "\n".join((*lines, _sentence(findings)))


def _sentence(findings: Sequence[Prerequisite]) -> str:
    wrong, missing = (sum(each.state == state for each in findings) for state in ("wrong", "missing"))
    some = f"{missing} missing, which only some uses need" if missing else "nothing is missing"
    return f"{wrong or 'Nothing'} wrong; {some}."
