"""Hypothesis strategies for scenarios: records where it hurts, and what goes wrong with each as part of the value.

Values are drawn so that the simplest is the plainest: one record, delivered once, at a full minute. What hypothesis
shrinks to is then a story such as "record 1 lost, record 2 twice".
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.play.scenario import BEGIN, Happens, RecordKind, Scenario, Step
from mock_server.model import HOUR, MINUTE, SECOND, JsonObject

PLATES = tuple(f"京{letter}1000{digit}" for digit in range(10) for letter in "ABCDE")
"""Plates whose masks differ, so that the history still tells them apart."""

IN_THE_HOUR = tuple(BEGIN + minute * MINUTE for minute in (10, 20, 30, 40, 50))

LAST_MINUTE = (BEGIN + HOUR - 40 * SECOND, BEGIN + HOUR - 2 * SECOND)
"""Times in the last minute of the hour."""

KINDS: tuple[RecordKind, ...] = ("enter", "leave", "bill")


def moments(edges: Sequence[int] = ()) -> SearchStrategy[int]:
    """When a record happens: in the middle of the client's first hour, at its end, or at one of some edges."""
    return st.sampled_from((*IN_THE_HOUR, *LAST_MINUTE, *edges))


def fates(
    copies: Sequence[int] = (1, 0, 2), again: int = 0, delays: Sequence[int] = (0,)
) -> SearchStrategy[JsonObject]:
    """What goes wrong with one record: how many copies arrive at first, how late, and in each of `again` re-reports."""
    return st.fixed_dictionaries(
        {
            "copies": st.sampled_from(copies),
            "delay_ms": st.sampled_from(delays),
            "again": st.lists(st.sampled_from((1, 0, 2)), max_size=again).map(tuple),
        }
    )


@st.composite
def records(
    draw: st.DrawFn,
    least: int = 1,
    most: int = 3,
    *,
    kinds: Sequence[RecordKind] = ("enter",),
    lots: Sequence[int] = (0,),
    at: SearchStrategy[int] | None = None,
    fate: SearchStrategy[JsonObject] | None = None,
    plates: Sequence[str] = PLATES,
) -> list[Happens]:
    """Some records r1, r2, ...; each happens when the lot gets to know of it."""
    one: Any = st.fixed_dictionaries(
        {
            "at": moments() if at is None else at,
            "kind": st.sampled_from(kinds),
            "lot": st.sampled_from(lots),
            "fate": st.just({}) if fate is None else fate,
        }
    )
    drawn: Any = draw(st.lists(one, min_size=least, max_size=most))
    return [
        Happens(each["at"], f"r{place + 1}", each["kind"], lot=each["lot"], plate=plate, **each["fate"])
        for place, (each, plate) in enumerate(zip(drawn, cycle(plates), strict=False))
    ]


def scenario(steps: SearchStrategy[Sequence[Step]], **settings: Any) -> SearchStrategy[Scenario]:
    """Scenarios of these steps; other settings of a scenario as they are."""
    plain = Scenario(**settings)
    return steps.map(lambda drawn: replace(plain, steps=tuple(drawn)))


def in_profiles(
    profiles: Sequence[JsonObject], steps: SearchStrategy[Sequence[Step]], **settings: Any
) -> SearchStrategy[Scenario]:
    """Scenarios of these steps in clouds of several profiles, the plainest first."""
    return st.one_of(list(by_profile(profiles, steps, **settings).values()))


def by_profile(
    profiles: Sequence[JsonObject], steps: SearchStrategy[Sequence[Step]], **settings: Any
) -> dict[str, SearchStrategy[Scenario]]:
    """The same, by what is special about each profile, as the variants of a case are named."""
    return {_name(profile): scenario(steps, profile=profile, **settings) for profile in profiles}


def _name(profile: JsonObject) -> str:
    return ",".join(f"{name}={value}" for name, value in profile.items()) or "default"


def edges_of(hour: int) -> tuple[int, ...]:
    """Where the windows of an hour may end: at the full hour, a little before it; and the millisecond before that."""
    return (hour - SECOND // 2, hour, hour - 1, hour - SECOND // 2 - 1)
