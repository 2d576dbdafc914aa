"""Finding secrets and plates in what a client's process writes, and masking them in what the judge writes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from contracts.play.recording import Finding, OutputFinding
from mock_server.words import printable

SHOWN = 160
"""How many characters of a line a finding shows."""

LOG_FILE_CHARACTERS = 8 * 1024 * 1024
"""How many characters of a log file are searched."""

MASK = "***"
SHORTEST = 5
"""Shorter secrets are not searched for: they would be found in any text by chance."""

_LEVEL = "trace|debug|info|notice|warn|warning|error|critical|fatal"
_TEXT_LINE = re.compile(rf"\W*(\d{{4}}\W\d\d\W\d\d[\WT]+)?\d\d:\d\d:\d\d|.*\b({_LEVEL})\b", re.IGNORECASE)
_JSON_LINE = re.compile(r'.*"(level|levelname|lvl|severity)"\s*:')

Secrets: TypeAlias = Mapping[str, OutputFinding]
"""The texts that a client must not write, each with its kind."""


def masked(text: str, secrets: Secrets) -> str:
    """The text with every secret and plate replaced by `MASK`; the longest first, as one may contain another."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, MASK)
    return text


def leaks(lines: Iterable[str], secrets: Secrets, seq: int) -> Iterator[Finding]:
    """A finding for each kind of secret in the lines, at its first place."""
    found: set[OutputFinding] = set()
    for line in lines:
        for secret, kind in secrets.items():
            if kind not in found and any(form in line for form in _forms(secret)):
                found.add(kind)
                yield Finding(kind, seq, _shown(masked(line, secrets)))


def log_lines(folder: Path) -> Iterator[str]:
    """The lines of the log files in a client's folder; of each the first `LOG_FILE_CHARACTERS`."""
    for path in sorted(folder.rglob("*.log")):
        with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(LOG_FILE_CHARACTERS)
            if is_log(text):
                yield from text.splitlines()


def is_log(text: str) -> bool:
    """Whether a text is a log: lines for people, one of which has a level or begins with a time of day.

    The name does not tell: stores keep their segments in `.log` files too, and may hold keys and plates there.
    """
    return "\0" not in text and any(map(_is_logged, text.splitlines()))


def _is_logged(line: str) -> bool:
    return bool((_JSON_LINE if line.startswith("{") else _TEXT_LINE).match(line))


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, and as JSON and Python escape it."""
    if len(secret) >= SHORTEST:
        yield secret
        if not secret.isascii():
            yield secret.encode("ascii", "backslashreplace").decode()


def _shown(line: str) -> str:
    clean = printable(line[:SHOWN])
    return f"{clean}..." if len(line) > SHOWN else clean
