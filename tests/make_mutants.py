"""The page about the mutants of the judge, made from the measurements in `fixtures/mutants.json`.

`python -m tests.make_mutants MODULE...` tries the mutants of some modules of the rules again, `counting` (seconds) or
`evidence.claims`, say; without arguments those of all (half an hour). The runs are played at the first call (ten
minutes). `--tests` before the modules asks the tests of the rules alone (minutes), of those mutants that survived and
of places that were not measured yet: what has killed a mutant need not be asked again.
"""

import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.clients.correct import CORRECT
from contracts.clients.zoo import ZOO
from mock_server.model import JsonObject
from tests.json_lines import one_line_each
from tests.markdown import table
from tests.mutation.corpus import CATCHES, corpus, tests_alone
from tests.mutation.survivors import SURVIVORS
from tests.mutation.trial import Fate, Trial, module_of, modules, places

RESULTS = Path(__file__).parent.parent / "fixtures" / "mutants.json"


def read_results() -> dict[str, Any]:
    """The committed measurements: for each place its number of mutants by fate, and the mutants that survive."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def mutants_page(made: str) -> str:
    """How many mutants of each module are killed, and by what, and those that survive. `made` is the usual remark."""
    results = read_results()
    total = sum((_fates(result) for result in results.values()), Counter())
    killed = total.total() - total[Fate.SURVIVES]
    return f"""{made}

# Mutants of the judge

The [kill matrix](matrix.md) shows that rules catch wrong clients. This page shows what holds the rules themselves:
each function of a rule or of its evidence is changed in one place (a comparison takes or leaves its bound, a condition
is left out or negated, a sum becomes a difference), each number with a name is doubled and halved, and the judge reads
runs again that were played before. The mutant is killed by

- **escape**: a known-bad client (of {len(ZOO)}) is caught by its own rule in none of its runs any more, of which there
  are {CATCHES}, the first that catch it, or fewer if the default budget has no more;
- **accusation**: a correct client (of {len(CORRECT)}) breaks a rule that it kept: a run of each in the cases that are
  made for the rule, and three of the reference client in every case;
- **unexercised**: no run of a correct client exercises a rule any more that was exercised;
- **failure**: the judge raises or does not end;
- **test**: in a run of which a test of the rules asks what a rule says, the rule is broken or exercised where it was
  not, or no longer. The tests are asked last, or alone (`--tests`): then a client might have shown it too.

Texts are not changed: no verdict depends on them. Of {total.total()} mutants at {len(results)} places {killed} are
killed{_unmeasured_text(results)}.
A survivor is harmless, or stands for a distinction that neither a client nor a test of ours needs.
{_unexplained_text(results)}

{table(("module", "places", *Fate), _by_module(results))}

## Survivors

{"".join(_survivors(place, result["survivors"]) for place, result in results.items() if result["survivors"])}
Made by `make mutants`.
"""


def _unmeasured_text(results: Mapping[str, Any]) -> str:
    left = sorted({module_of(place) for place in places() if place not in results})
    return f"; not measured yet are all or some of {', '.join(f'`{each}`' for each in left)}" if left else ""


def _unexplained_text(results: Mapping[str, Any]) -> str:
    hit = [place for place, result in results.items() if result["survivors"]]
    left = len(hit) - sum(place in SURVIVORS for place in hit)
    if not left:
        return f"Each of the {len(hit)} places with survivors says which."
    return f"Of {len(hit)} places with survivors {len(hit) - left} say which; {left} have not been looked at."


def _fates(result: Mapping[str, Any]) -> Counter[str]:
    return Counter({fate: result.get(fate, 0) for fate in Fate})


def _by_module(results: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for module in dict.fromkeys(module_of(place) for place in results):
        own = [_fates(result) for place, result in results.items() if module_of(place) == module]
        yield (f"`{module}`", len(own), *(sum(each[fate] for each in own) for fate in Fate))


def _survivors(place: str, changes: list[str]) -> str:
    lines = "".join(f"- `{' '.join(change.split())}`\n" for change in changes)
    return f"### {place}\n\n{SURVIVORS.get(place, 'Not looked at yet.')}\n\n{lines}\n"


def tried(trial: Trial, place: str) -> JsonObject:
    """The number of a place's mutants by fate, and the changes that survive."""
    found = list(trial.fates(place))
    fates = Counter(fate.value for _, fate in found)
    return {**fates, "survivors": [mutant.change for mutant, fate in found if fate is Fate.SURVIVES]}


def tried_again(trial: Trial, place: str, before: Mapping[str, Any]) -> JsonObject:
    """A place's result, after those of its mutants have been tried again that survived before."""
    found = list(trial.fates(place, before["survivors"]))
    left = [mutant.change for mutant, fate in found if fate is Fate.SURVIVES]
    fates = _fates(before) + Counter(fate.value for _, fate in found) - Counter({Fate.SURVIVES: len(found)})
    return {**{fate.value: fates[fate] for fate in Fate if fates[fate]}, "survivors": left}


def main(names: list[str]) -> None:
    """Try the mutants of these modules, or of all, and write the result of each place as soon as it is there."""
    by_tests, names = names[:1] == ["--tests"], names[names[:1] == ["--tests"] :]
    if unknown := [name for name in names if name not in modules()]:
        sys.exit(f"there is no module {', '.join(unknown)}; there are: {', '.join(modules())}")
    trial, known = Trial(tests_alone() if by_tests else corpus(), names), read_results() if by_tests else {}
    gc.freeze()
    for name in names or modules():
        for place in places():
            if module_of(place) == name:
                _write(place, tried_again(trial, place, known[place]) if place in known else tried(trial, place))


def _write(place: str, result: JsonObject) -> None:
    results = (read_results() if RESULTS.exists() else {}) | {place: result}
    RESULTS.write_text(one_line_each({each: results[each] for each in places() if each in results}), "utf-8")
    print(place, file=sys.stderr)  # noqa: T201 a command of ours


if __name__ == "__main__":
    main(sys.argv[1:])
