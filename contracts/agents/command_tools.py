"""Tools that are commands of the judge: check a client, explain a rule, repeat a failure.

Their arguments are those of the command line, made from its own declaration; each call is a process, whose standard
input is empty.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from contracts.agents.arguments import ArgumentsError
from contracts.agents.tool import MOST_TEXT, AgentTool, ToolAnswer
from contracts.client.spec import SPEC_KINDS
from contracts.commands.check import check
from contracts.commands.replay import replay
from contracts.commands.rules import rules
from contracts.report.stored_report import REPORT
from mock_server.cli import variable
from mock_server.model import JsonObject
from mock_server.words import shortened

_REPORT_FLAG = "report"
_TYPES = (
    (click.types.IntParamType, "integer"),
    (click.types.FloatParamType, "number"),
    (click.types.BoolParamType, "boolean"),
)

_TEXT = {"maxLength": 30_000, "pattern": r"^[^\x00]*$"}
"""What a word of a command line can be: Linux takes 128 KiB of UTF-8, and no NUL."""


def command_tools() -> Iterator[AgentTool]:
    """The tools."""
    yield CheckTool("check", check)
    yield CommandTool("explainRule", rules, reads=True)
    yield CommandTool("replay", replay)


class CommandTool(AgentTool):
    """A command. The answer has its `exit_code`, its `output`, and what it says to `standard_error`.

    Exit codes: 0 all well, 1 the client fails a rule, 2 wrong usage or configuration, 3 the judge itself failed.
    """

    def __init__(self, name: str, command: click.Command, *, reads: bool = False) -> None:
        self._command = command
        self._parameters = {_name(each): each for each in command.params}
        summary = " ".join((command.help or "").split("\n\n")[0].split())
        super().__init__(name, summary, _arguments(self._parameters))
        self.reads = self.repeats = reads

    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Run the command to its end. It is ended when the call is cancelled."""
        process = await self._start(self._words(arguments))
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.terminate()
        texts = {"output": output, "standard_error": errors}
        told = {name: shortened(text.decode(errors="replace"), MOST_TEXT) for name, text in texts.items()}
        return ToolAnswer({"exit_code": process.returncode, **told}, is_error=process.returncode not in (0, 1))

    async def _start(self, words: list[str]) -> asyncio.subprocess.Process:
        """Start the command. ArgumentsError if the system refuses, as it does where the words are too long together."""
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "parking_mock", str(self._command.name), *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise ArgumentsError(f"{self.name} cannot be started with these arguments: {error.strerror}") from None

    def _words(self, arguments: Mapping[str, Any]) -> list[str]:
        """The words of the command line: flags, and behind `--` what stands without one."""
        flags: list[str] = []
        others: list[str] = []
        for name, value in arguments.items():
            parameter = self._parameters[name]
            is_flag = isinstance(parameter, click.Option)
            (flags if is_flag else others).extend(_words(parameter, value))
        return [*flags, *(["--", *others] if others else [])]


class CheckTool(CommandTool):
    """`check`. The answer also has the `summary` of the report and the smallest failure of each rule that is broken.

    `deaths` has the number of cases in which the client failed by itself, and the first with its error: a client that
    is dead may have broken no rule.
    """

    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Check a client. The report is written to a new folder, unless the arguments name one."""
        self._refuse_nobody(arguments)
        folder = str(arguments.get(_REPORT_FLAG) or tempfile.mkdtemp(prefix="parking-mock-"))
        done = await super().call({**arguments, _REPORT_FLAG: folder})
        return done if done.is_error else done._replace(content={**done.content, **_findings(Path(folder, REPORT))})

    def _refuse_nobody(self, arguments: Mapping[str, Any]) -> None:
        """ArgumentsError if no client is named, neither here nor in the environment; a list of cases needs none."""
        named = [name for name in SPEC_KINDS if arguments.get(name) or os.environ.get(variable(f"--{name}"))]
        if not named and not arguments.get("list"):
            raise ArgumentsError(f"{self.name} needs a client, as one of: {', '.join(SPEC_KINDS)}")


def _findings(path: Path) -> JsonObject:
    """What a report says; nothing if there is none, since nothing was played."""
    if not path.exists():
        return {}
    report = json.loads(path.read_bytes())
    failures = [each["failures"][0] | {"level": each["level"]} for each in report["rules"] if each["failures"]]
    told = {"report": str(path.parent), "summary": report["summary"], "failures": failures}
    return {**told, "deaths": _deaths(report["cases"])}


def _deaths(cases: Sequence[Mapping[str, Any]]) -> JsonObject:
    died = [each for each in cases if each["deaths"]]
    first = {"case": died[0]["case"], "error": shortened(died[0]["deaths"][0], MOST_TEXT)} if died else None
    return {"cases": len(died), "first": first}


def _name(parameter: click.Parameter) -> str:
    """The name of an argument: that of the flag, or of what stands without one."""
    flags = [each for each in parameter.opts if each.startswith("--")]
    return flags[0].removeprefix("--").replace("-", "_") if flags else str(parameter.name)


def _arguments(parameters: Mapping[str, click.Parameter]) -> JsonObject:
    required = [name for name, each in parameters.items() if each.required]
    properties = {name: _schema(each) for name, each in parameters.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _schema(parameter: click.Parameter) -> JsonObject:
    """The JSON Schema of a parameter of the command line."""
    one: JsonObject = {"type": next((name for cls, name in _TYPES if isinstance(parameter.type, cls)), "string")}
    if one["type"] == "string":
        one |= _TEXT
    if isinstance(parameter.type, click.Choice):
        one = {"type": "string", "enum": list(parameter.type.choices)}
    if isinstance(parameter.type, click.IntRange | click.FloatRange):
        bounds = (("minimum", parameter.type.min), ("maximum", parameter.type.max))
        one |= {name: bound for name, bound in bounds if bound is not None}
    text = getattr(parameter, "help", None) or parameter.metavar
    doc: JsonObject = {"description": text} if text else {}
    return doc | ({"type": "array", "items": one} if parameter.multiple or parameter.nargs == -1 else one)


def _words(parameter: click.Parameter, value: object) -> list[str]:
    """The words of the command line for a value; no value can become a flag of its own."""
    values = value if isinstance(value, list) else [value]
    words = [_word(each) for each in values]
    if isinstance(parameter, click.Argument):
        return words
    flag = f"--{_name(parameter).replace('_', '-')}"
    if getattr(parameter, "is_flag", False):
        return [flag] if value is True else []
    return [f"{flag}={each}" for each in words]


def _word(value: object) -> str:
    """One word for a value. JSON Schema takes 3.0 for an integer; the command line does not."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)
