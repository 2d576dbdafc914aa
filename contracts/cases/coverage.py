"""Coverage: which dimensions the scenarios of a case exercise, as numbers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

import hypothesis
from hypothesis import HealthCheck, Phase, given

from contracts.cases.base import Case
from contracts.clients.messages import BEIJING
from contracts.play.scenario import MIDNIGHT, Crashes, GoesOffline, Happens, Scenario, Strikes, records_of
from mock_server.faults.catalogue import CALL, CATALOGUE, SOCKET
from mock_server.model import HOUR, MINUTE, SECOND

OPENS, CLOSES, SATURDAY = 6, 22, 5
"""The hours between which it is day, and the first day of a weekend."""

CUT_AT = 20
"""Ids that are alike in so many signs are alike for a client that keeps short ones."""

Key: TypeAlias = tuple[int, bool, str]
"""A record's lot, whether it is a bill, and its id."""


def _beijing(at: int) -> datetime:
    return datetime.fromtimestamp((MIDNIGHT + at) / SECOND, BEIJING)


def _span(scenario: Scenario) -> tuple[int, int]:
    """When a scenario begins and ends, without the time in which the client may converge."""
    last = max([scenario.begin, *(step.at for step in scenario.steps)])
    return scenario.begin, last + scenario.runs_ms


def _is_at_night(scenario: Scenario) -> bool:
    return not all(OPENS <= _beijing(at).hour < CLOSES for at in _span(scenario))


def _is_at_a_weekend(scenario: Scenario) -> bool:
    return any(_beijing(at).weekday() >= SATURDAY for at in _span(scenario))


def _is_over_midnight(scenario: Scenario) -> bool:
    begin, end = _span(scenario)
    return _beijing(begin - HOUR).date() != _beijing(end).date()


def _is_over_midnight_utc(scenario: Scenario) -> bool:
    begin, end = _span(scenario)
    return _beijing(begin - 9 * HOUR).date() != _beijing(end - 8 * HOUR).date()


def _is_over_the_end_of_a_month(scenario: Scenario) -> bool:
    begin, end = _span(scenario)
    return _beijing(begin - HOUR).month != _beijing(end).month


def _is_late_in_an_hour(scenario: Scenario) -> bool:
    return any(each.event_at % HOUR >= HOUR - MINUTE for each in records_of(scenario))


def _keys(scenario: Scenario) -> set[Key]:
    return {(each.lot, each.kind == "bill", each.name) for each in records_of(scenario)}


def _are_fewer(part: Callable[[Key], object]) -> Callable[[Scenario], bool]:
    """Whether a part of the keys of records says less than the keys."""
    return lambda scenario: len({part(key) for key in _keys(scenario)}) < len(_keys(scenario))


def _is_a_plate_twice(scenario: Scenario) -> bool:
    found = {(each.name, each.plate.replace("·", ""), each.event_at) for each in records_of(scenario)}
    return any(
        one[0] < other[0] and one[1] == other[1] and abs(one[2] - other[2]) <= 2 * SECOND
        for one in found
        for other in found
    )


def _is_a_bill_of_other_hours(scenario: Scenario) -> bool:
    return any("leave_time" in each.details for each in records_of(scenario))


def _is_an_unpaid_bill(scenario: Scenario) -> bool:
    amounts = ((each.details.get("paid_amount", 0), each.details.get("payable_amount", 0)) for each in _bills(scenario))
    return any(paid != payable for paid, payable in amounts)


def _bills(scenario: Scenario) -> Iterator[Happens]:
    return (each for each in records_of(scenario) if each.kind == "bill")


def _is_a_moved_correction(scenario: Scenario) -> bool:
    versions = {(each.lot, each.kind == "bill", each.name, each.event_at, each.kind) for each in records_of(scenario)}
    return len(versions) > len(_keys(scenario))


def _is_crowded(least: int) -> Callable[[Scenario], bool]:
    return lambda scenario: sum(each.many for each in records_of(scenario)) > least


def _crashes(least: int) -> Callable[[Scenario], bool]:
    return lambda scenario: sum(isinstance(step, Crashes) for step in scenario.steps) >= least


def _is_a_crash_at_a_record(scenario: Scenario) -> bool:
    times = {each.at for each in records_of(scenario)}
    return any(
        isinstance(step, Crashes) and step.at - 5 * SECOND <= at <= step.at for step in scenario.steps for at in times
    )


def _strikes(*sites: str) -> Callable[[Scenario], bool]:
    return lambda scenario: any(
        (isinstance(step, Strikes) and CATALOGUE[step.kind].site in sites)
        or (isinstance(step, GoesOffline) and CALL in sites)
        for step in scenario.steps
    )


def _is_one_lot_of_several(scenario: Scenario) -> bool:
    return len(scenario.lots) > 1 and any(
        isinstance(step, GoesOffline) or (isinstance(step, Strikes) and step.lot is not None) for step in scenario.steps
    )


def _is_two_at_once(scenario: Scenario) -> bool:
    at = [each.at for each in records_of(scenario) if each.copies and not each.delay_ms]
    return len(set(at)) < len(at) or any(each.copies > 1 for each in records_of(scenario))


DIMENSIONS: Mapping[str, Mapping[str, Callable[[Scenario], bool]]] = {
    "calendar": {
        "night": _is_at_night,
        "weekend": _is_at_a_weekend,
        "midnight in Beijing": _is_over_midnight,
        "midnight UTC": _is_over_midnight_utc,
        "end of a month": _is_over_the_end_of_a_month,
        "last minute of an hour": _is_late_in_an_hour,
    },
    "identity": {
        "ids alike but for case": _are_fewer(lambda key: (*key[:2], key[2].casefold())),
        "ids alike but for their end": _are_fewer(lambda key: (*key[:2], key[2][:CUT_AT])),
        "ids alike but for blanks": _are_fewer(lambda key: (*key[:2], key[2].strip())),
        "ids alike but for zeros": _are_fewer(lambda key: (*key[:2], key[2].lstrip("0"))),
        "one id in two lots": _are_fewer(lambda key: key[1:]),
        "one id of a pass and a bill": _are_fewer(lambda key: (key[0], key[2])),
        "one plate twice in two seconds": _is_a_plate_twice,
    },
    "fields": {
        "a bill of other hours": _is_a_bill_of_other_hours,
        "an unpaid bill": _is_an_unpaid_bill,
        "a correction that moves a record": _is_a_moved_correction,
    },
    "volume": {"more than 100 records": _is_crowded(100), "more than 1000 records": _is_crowded(1000)},
    "durability": {
        "a crash": _crashes(1),
        "two crashes": _crashes(2),
        "a crash just after a record": _is_a_crash_at_a_record,
    },
    "giving up": {
        "calls that fail": _strikes(CALL),
        "connections that break": _strikes(SOCKET),
        "one lot of several that fails": _is_one_lot_of_several,
    },
    "concurrency": {"two messages at once": _is_two_at_once},
}
"""What clients were found to be wrong about while every case was kept, by the kind of mistake."""


NAMES = tuple(name for names in DIMENSIONS.values() for name in names)


class CaseCoverage(NamedTuple):
    """How many of so many scenarios of a case exercise each dimension; those that none exercises are left out."""

    case_id: str
    scenarios: int
    by_dimension: Counter[str]


def coverage_of(case: Case, examples: int, seed: int) -> CaseCoverage:
    """The coverage of the scenarios that a check would draw of a case at first. Nothing is played."""
    drawn: list[Scenario] = []

    @hypothesis.seed(f"{seed} {case.id}")
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case.scenarios)
    def draw(scenario: Scenario) -> None:
        drawn.append(scenario)

    draw()
    found = Counter(name for scenario in drawn for name in exercised(scenario))
    return CaseCoverage(case.id, len(drawn), found)


def exercised(scenario: Scenario) -> Iterator[str]:
    """The dimensions that a scenario exercises."""
    return (name for names in DIMENSIONS.values() for name, holds in names.items() if holds(scenario))


def coverage_lines(found: Iterable[CaseCoverage]) -> Iterator[str]:
    """The coverage as text: for each case the number of its scenarios with each dimension, then all cases together."""
    cases = list(found)
    for case in cases:
        yield f"{case.case_id:<26}  {case.scenarios} scenarios"
        yield from (f"{'':<26}  {case.by_dimension[name]:>4}  {name}" for name in NAMES if case.by_dimension[name])
    yield ""
    total = sum(case.scenarios for case in cases)
    for kind, names in DIMENSIONS.items():
        for name in names:
            having = [case.by_dimension[name] for case in cases if case.by_dimension[name]]
            yield f"{kind:<12}  {name:<34}  {sum(having):>5} of {total} scenarios, {len(having)} of {len(cases)} cases"
