"""The page about upgrading: what an edition freezes, and what came after each."""

from collections import Counter
from collections.abc import Iterator

from contracts.cases import CASES
from contracts.check.edition import EDITIONS, Edition, find_edition
from contracts.rules import RULES
from contracts.rules.base import LEVELS
from tests.markdown import table


def upgrading_page(made: str) -> str:
    """What a user does to upgrade, and the editions. `made` is the remark above every made page."""
    editions = [find_edition(name) for name in EDITIONS]
    return f"""{made}

# Upgrading

A new version of parking-mock may judge by more rules and play more cases than the one before. A build that was green
is then red though nobody has changed the client. An **edition** keeps that apart: it has the rules, their levels, the
cases, and how many scenarios of each are played, and its file never changes once it is released.

```sh
parking-mock check --client my_package.client:MyClient --rules {EDITIONS[-1]}
```

Rules and cases that came after the edition are played and judged too. What they find is told as
`added since {EDITIONS[-1]}`, is `"decides": false` in `report.json` and skipped in `junit.xml`, and changes no exit
code. Without `--rules` all rules and cases of the version decide. In pytest the same is `edition = "{EDITIONS[-1]}"`
in the class of the contract.

To upgrade:

1. Install the new version and leave `--rules` as it is: what failed before fails, and nothing else does.
2. Read what is `added since`. Mend it, or write it into the [file of known failures](ci.md#failures-that-are-known),
   with where the finding is written down: `REC-OLD  # kept for a day only [issue 12]`.
3. Name the new edition.

An edition says what decides, not how it is judged: a rule that accused correct clients is mended for every edition, and
a seed may draw other scenarios in another version. A build that must repeat to the letter pins the version besides.
`--strict` holds should-rules as must-rules, of an edition or of all. `--rules FILE` takes an edition of your own, in
the form of [the released ones](../contracts/check/editions): a rule that is not named there decides nothing.

## Editions

{table(("edition", *LEVELS, "cases", "scenarios of each case", "of a client elsewhere"), map(_row, editions))}

Added since {EDITIONS[-1]}: {", ".join(_added(editions[-1])) or "nothing"}.
"""


def _row(edition: Edition) -> tuple[object, ...]:
    levels = Counter(edition.levels.values())
    counts = (levels[level] for level in LEVELS)
    return (f"`{edition.name}`", *counts, len(edition.cases), edition.examples, edition.examples_elsewhere)


def _added(newest: Edition) -> Iterator[str]:
    yield from (f"[{rule_id}](rules.md#{rule_id.lower()})" for rule_id in RULES if rule_id not in newest.levels)
    yield from (f"`{case_id}`" for case_id in CASES if case_id not in newest.cases)
