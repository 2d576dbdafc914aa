"""Known failures: a file of the rules that a client breaks for now, each with its reason.

A line is `RULE  # reason`, or `RULE CASE-GLOB  # reason` where only some cases break the rule. Empty lines and lines
that begin with # are comments. Known failures are still judged and reported; they do not fail the check.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from contracts.cases import CASES, VARIANTS
from contracts.rules import RULES

EVERY_CASE = "*"


def _matches(case_id: str, glob: str) -> bool:
    """Whether a glob matches the id of a case, or for a variant the id of its case."""
    group, _, rest = case_id.partition("/")
    return fnmatchcase(case_id, glob) or fnmatchcase(f"{group}/{rest.partition('/')[0]}", glob)


class KnownFailingError(Exception):
    """The file cannot be used; the text says why, and in which line."""


@dataclass(frozen=True, slots=True)
class Known:
    """One line: this rule fails in these cases, for this reason."""

    rule_id: str
    case_glob: str
    reason: str
    line: int

    def covers(self, rule_id: str, case_id: str) -> bool:
        """Whether a failure of this rule in this case is known."""
        return rule_id == self.rule_id and _matches(case_id, self.case_glob)

    @property
    def where(self) -> str:
        """The rule, and the glob of the cases if there is one; for messages."""
        return self.rule_id if self.case_glob == EVERY_CASE else f"{self.rule_id} in {self.case_glob}"


@dataclass(frozen=True, slots=True)
class KnownFailing:
    """The lines of a file, and its path."""

    lines: tuple[Known, ...] = ()
    file: str = ""

    def covers(self, rule_id: str, case_id: str) -> bool:
        """Whether a failure of this rule in this case is known."""
        return any(line.covers(rule_id, case_id) for line in self.lines)

    def of(self, rule_id: str) -> Iterator[Known]:
        """The lines about a rule."""
        return (line for line in self.lines if line.rule_id == rule_id)


NOTHING_KNOWN = KnownFailing()


def read_known_failing(path: Path) -> KnownFailing:
    """Read a file. OSError if it cannot be read, KnownFailingError if it is not UTF-8 or a line is invalid."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise KnownFailingError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    return KnownFailing(tuple(_lines(text.splitlines(), path)), str(path))


def _lines(texts: Iterable[str], path: Path) -> Iterator[Known]:
    seen: dict[tuple[str, str], int] = {}
    for number, text in enumerate(texts, 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            known = _line(text, number)
            _refuse_repeated(known, seen)
        except KnownFailingError as error:
            raise KnownFailingError(f"{path}, line {number}: {error}") from None
        yield known


def _refuse_repeated(known: Known, seen: dict[tuple[str, str], int]) -> None:
    first = seen.setdefault((known.rule_id, known.case_glob), known.line)
    if first != known.line:
        raise KnownFailingError(f"{known.where} is in line {first} already")


def _line(text: str, number: int) -> Known:
    what, _, reason = text.partition("#")
    rule_id, *globs = what.split()
    if rule_id not in RULES:
        raise KnownFailingError(f"there is no rule {rule_id!r}{did_you_mean(rule_id, RULES)}")
    if not reason.strip():
        raise KnownFailingError(f"a reason is missing: {rule_id}  # why it fails, and until when")
    if len(globs) > 1:
        raise KnownFailingError(f"a rule and perhaps one glob of cases stand before the #, not {what.strip()!r}")
    glob = globs[0] if globs else EVERY_CASE
    if not any(_matches(case_id, glob) for case_id in (*CASES, *VARIANTS)):
        raise KnownFailingError(f"no case matches {glob}: `parking-mock check --list` lists them")
    return Known(rule_id, glob, reason.strip(), number)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The names that are similar to a name, as the end of a sentence; empty if there are none."""
    close = get_close_matches(name.upper(), list(names), cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""
