"""Writes the file of a new edition from the rules and cases that there are: `python -m tests.make_edition 2026.2`.

A released edition is never written again.
"""

import sys
from collections.abc import Iterator

from contracts.cases import CASES
from contracts.check.edition import EDITIONS, FOLDER
from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.commands.options import EXAMPLES_ELSEWHERE
from contracts.rules import BOOKS

NOTE = """\
# Edition {name} of the rules: what decides over a client that is judged by `--rules {name}`.
# It is never changed once it is released. What came later is in a later edition.

name = "{name}"
"""

EXAMPLES = f"""
[examples]
# Scenarios that are played of each case, but for --examples.
in_process = {DEFAULT_EXAMPLES}
elsewhere = {EXAMPLES_ELSEWHERE}

[levels]"""


def edition_text(name: str) -> str:
    """The file: every case, the numbers of examples, and every rule at its level."""
    return "\n".join((NOTE.format(name=name), *_cases(), EXAMPLES, *_levels(), ""))


def _cases() -> Iterator[str]:
    yield "cases = ["
    for case in CASES.values():
        yield f'    "{case.id}",  # {case.doc}'
    yield "]"


def _levels() -> Iterator[str]:
    for book in BOOKS:
        yield f"\n# {book.title}\n"
        for rule in book:
            yield f'{rule.id} = "{rule.level}"  # {rule.statement}'


def main() -> None:
    """Write it."""
    (name,) = sys.argv[1:]
    if name in EDITIONS:
        raise SystemExit(f"the edition {name} is released: it never changes")
    (FOLDER / f"{name}.toml").write_text(edition_text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
