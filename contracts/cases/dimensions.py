"""Dimensions: what a scenario exercises besides what its case is about.

A client may be right in March on a Monday afternoon only, or as long as ids are short. So every case draws when its
scenarios happen, what the ids of their records look like and what else is in their bills. The plainest comes first in
each list and is the most frequent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.clients.messages import BEIJING
from contracts.play.scenario import BEGIN, MIDNIGHT, Deletes, Happens, Scenario, Step, Strikes, records_of
from mock_server.model import HOUR, MINUTE, SECOND, JsonScalar


def later(year: int, month: int, day: int, hour: int) -> int:
    """How much later than usual a scenario happens that begins at an hour in Beijing, in milliseconds."""
    begins = datetime(year, month, day, hour, tzinfo=BEIJING)
    return round(begins.timestamp() * SECOND) - MIDNIGHT - BEGIN


LATER = (
    *(0,) * 6,
    later(2026, 3, 3, 0),
    later(2026, 3, 7, 10),
    later(2026, 4, 1, 0),
    later(2026, 3, 3, 8),
    later(2026, 3, 2, 23),
    later(2026, 3, 4, 3),
    later(2026, 3, 8, 21),
    later(2026, 2, 28, 23),
    later(2026, 4, 1, 8),
    later(2027, 1, 1, 0),
    later(2028, 2, 29, 22),
)
"""How much later than on a Monday at 16:00 in Beijing scenarios happen.

At midnight, in the night, at midnight UTC, at a weekend, at the end of a month or a year, in Beijing or UTC, and on a
leap day. No clock of a zone that scenarios have changes on these days.
"""

Naming: TypeAlias = Callable[[int], str]
"""The id of the first, second, ... record of a scenario, counted from 0."""


def _but_for_case(place: int) -> str:
    return f"{'Rec' if place % 2 else 'rEC'}-{place // 2 + 1}"


def _but_for_their_end(place: int) -> str:
    return f"20260302-0000-0000-0000-000000000000-{place + 1:04d}"


def _but_for_blanks(place: int) -> str:
    return ("r{}", "r{} ", " r{}")[place % 3].format(place // 3 + 1)


def _but_for_zeros(place: int) -> str:
    return f"{place // 3 + 1:0{place % 3 + 1}d}"


ALIKE: Mapping[str, Naming] = {
    "case": _but_for_case,
    "end": _but_for_their_end,
    "blanks": _but_for_blanks,
    "zeros": _but_for_zeros,
}
"""Ids that are alike but for something that a client may not look at."""

SHARED = "shared"
"""Ids that are used once in each lot and for each data type."""

NAMINGS = (*("",) * 6, "case", "end", "zeros", "blanks", SHARED, SHARED)

ALL_ALIKE = ("", *ALIKE, *ALIKE)
"""The namings of a case about identity."""

STAYS: Sequence[Mapping[str, int]] = (
    *({},) * 3,
    {"enter_time": -3 * HOUR, "leave_time": -2 * HOUR, "payable_amount": 1500, "paid_amount": 1500},
    {"enter_time": -3 * HOUR, "leave_time": -2 * HOUR, "payable_amount": 1500, "paid_amount": 0},
    {"enter_time": -20 * MINUTE, "payable_amount": 1500, "paid_amount": 500},
)
"""What else is in a bill, times relative to that of its payment: paid long after leaving, not at all, or in part."""


@st.composite
def in_dimensions(draw: st.DrawFn, scenarios: SearchStrategy[Scenario], namings: Sequence[str] = NAMINGS) -> Scenario:
    """The same scenarios at other times, with ids of one of the `namings`, and other bills."""
    drawn = draw(scenarios).moved(draw(st.sampled_from(LATER)))
    records = list(records_of(drawn))
    if len(records) > 1:
        drawn = named(drawn, draw(st.sampled_from(namings)))
    if any(_is_plain_bill(each) for each in records):
        drawn = with_stays(drawn, draw(st.sampled_from(STAYS)))
    return drawn


def named(scenario: Scenario, naming: str) -> Scenario:
    """The scenario with other ids of its records. Names that other steps refer to are never shared."""
    ids: dict[object, str] = {}
    numbers: dict[object, int] = {}
    names_one = any(isinstance(step, Deletes) or (isinstance(step, Strikes) and step.record) for step in scenario.steps)
    if not naming or (naming == SHARED and names_one):
        return scenario
    for each in sorted(records_of(scenario), key=lambda record: (record.lot, record.kind)):  # those of a line are alike
        line = (each.lot, each.kind == "bill") if naming == SHARED else ()
        key = (line, each.name)
        if key not in ids:
            number = numbers[line] = numbers.get(line, -1) + 1
            ids[key] = f"r{number + 1}" if naming == SHARED else ALIKE[naming](number)
    return replace(scenario, steps=tuple(_renamed(step, naming, ids) for step in scenario.steps))


def _renamed(step: Step, naming: str, ids: Mapping[object, str]) -> Step:
    if isinstance(step, Happens):
        line = (step.lot, step.kind == "bill") if naming == SHARED else ()
        return replace(step, name=ids[line, step.name])
    if isinstance(step, Deletes):
        return replace(step, name=ids.get(((), step.name), step.name))
    if isinstance(step, Strikes) and step.record:
        return replace(step, record=ids.get(((), step.record), step.record))
    return step


def _is_plain_bill(step: Step) -> bool:
    return isinstance(step, Happens) and step.kind == "bill" and not step.details


def with_stays(scenario: Scenario, stay: Mapping[str, int]) -> Scenario:
    """The scenario with further fields in the bills that have none."""

    def with_stay(step: Any) -> Any:
        at_ms = MIDNIGHT + step.event_at
        details: dict[str, JsonScalar] = {k: v + at_ms if k.endswith("_time") else v for k, v in stay.items()}
        return replace(step, details=details)

    return replace(scenario, steps=tuple(with_stay(s) if _is_plain_bill(s) else s for s in scenario.steps))
