"""What is judged and reported, and does not fail the check: known failures, and what came after an edition.

A file of known failures has lines `RULE  # reason`, or `RULE CASE-GLOB  # reason` where only some cases break the rule;
a reason may end with where the finding is written down, in brackets: `RULE  # reason [finding]`. Empty lines and lines
that begin with # are comments.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from contracts.cases import CASES, VARIANTS
from contracts.check.edition import Edition
from contracts.rules import RULES
from mock_server.words import did_you_mean

EVERY_CASE = "*"

_FINDING = re.compile(r"\[([^][]+)\]\s*$")
"""Where a finding is written down, at the end of a reason."""


def _matches(case_id: str, glob: str) -> bool:
    """Whether a glob matches the id of a case, or for a variant the id of its case."""
    group, _, rest = case_id.partition("/")
    return fnmatchcase(case_id, glob) or fnmatchcase(f"{group}/{rest.partition('/')[0]}", glob)


class KnownFailingError(Exception):
    """The file cannot be used; the text says why, and in which line."""


@dataclass(frozen=True, slots=True)
class Known:
    """One line: this rule fails in these cases, for this reason. The `finding` is written down there, if anywhere."""

    rule_id: str
    case_glob: str
    reason: str
    line: int
    finding: str = ""

    def covers(self, rule_id: str, case_id: str) -> bool:
        """Whether a failure of this rule in this case is known."""
        return rule_id == self.rule_id and _matches(case_id, self.case_glob)

    @property
    def where(self) -> str:
        """The rule, and the glob of the cases if there is one; for messages."""
        return self.rule_id if self.case_glob == EVERY_CASE else f"{self.rule_id} in {self.case_glob}"

    @property
    def why(self) -> str:
        """The reason, and where it is written down; for messages."""
        return f"{self.reason} [{self.finding}]" if self.finding else self.reason


@dataclass(frozen=True, slots=True)
class KnownFailing:
    """The lines of a file, and its path. With an `edition` what came after it is not held against a client either."""

    lines: tuple[Known, ...] = ()
    file: str = ""
    edition: Edition | None = None

    def covers(self, rule_id: str, case_id: str) -> bool:
        """Whether a failure of this rule in this case does not fail the check."""
        return any(line.covers(rule_id, case_id) for line in self.lines) or self.is_later(rule_id, case_id)

    def is_later(self, rule_id: str, case_id: str) -> bool:
        """Whether the rule or the case came after the edition."""
        return self.edition is not None and not self.edition.decides(rule_id, case_id)

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
    reason, finding = _reason(reason)
    if not reason:
        raise KnownFailingError(f"a reason is missing: {rule_id}  # why it fails, and until when")
    if len(globs) > 1:
        raise KnownFailingError(f"a rule and perhaps one glob of cases stand before the #, not {what.strip()!r}")
    glob = globs[0] if globs else EVERY_CASE
    if not any(_matches(case_id, glob) for case_id in (*CASES, *VARIANTS)):
        raise KnownFailingError(f"no case matches {glob}: `parking-mock check --list` lists them")
    return Known(rule_id, glob, reason, number, finding)


def _reason(text: str) -> tuple[str, str]:
    """What stands behind the #: the reason, and where the finding is written down."""
    found = _FINDING.search(text)
    return (text[: found.start()].strip(), found[1].strip()) if found else (text.strip(), "")
