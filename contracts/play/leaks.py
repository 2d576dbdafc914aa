"""What a client's process writes: nothing of it may tell a secret or a plate."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from contracts.play.recording import Finding, OutputFinding

SHOWN = 160
"""So much of a line is shown."""

LOG_FILE_SIGNS = 8 * 1024 * 1024
"""So much of a log file is looked through."""

MASK = "***"
SHORTEST = 5
"""A text shorter than this is found everywhere, and says nothing."""

Secrets: TypeAlias = Mapping[str, OutputFinding]
"""What a client must not write, with what each is."""


def masked(text: str, secrets: Secrets) -> str:
    """A text without secrets and plates. `secrets` are their kinds by what they are."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in _forms(secret):
            text = text.replace(form, MASK)
    return text


def leaks(lines: Iterable[str], secrets: Secrets, seq: int) -> Iterator[Finding]:
    """Each kind of secret that some lines tell, once."""
    found: set[OutputFinding] = set()
    for line in lines:
        for secret, kind in secrets.items():
            if kind not in found and any(form in line for form in _forms(secret)):
                found.add(kind)
                yield Finding(kind, seq, _shown(masked(line, secrets)))


def log_lines(folder: Path) -> Iterator[str]:
    """The lines of the log files in a client's folder, the beginnings of long ones."""
    for path in sorted(folder.rglob("*.log")):
        with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
            yield from file.read(LOG_FILE_SIGNS).splitlines()


def _forms(secret: str) -> Iterator[str]:
    """As it is, and as JSON and Python escape it."""
    if len(secret) >= SHORTEST:
        yield secret
        if not secret.isascii():
            yield secret.encode("ascii", "backslashreplace").decode()


def _shown(line: str) -> str:
    clean = "".join(sign if sign.isprintable() else "?" for sign in line[:SHOWN])
    return f"{clean}..." if len(line) > SHOWN else clean
