"""Tests of moments: a world goes on from its rows, and an earlier one is made again, whatever has happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import HOUR
from mock_server.profile import Profile
from mock_server.project import Moment
from mock_server.state.journal import ForgottenError
from tests.mock_server.state.works import Work, advanced, clock_of, differences, kept, profiles, twin, works
from tests.support import ACCESS_ID, make_project


@given(profiles, st.lists(works, max_size=12), st.lists(works, max_size=6))
def test_a_world_goes_on_from_its_rows(profile: Profile, before: list[Work], after: list[Work]) -> None:
    """What is made from the rows of a world has the same rows, and what then happens to both has the same effect."""
    project = make_project(profile, random_seed=7)
    for work in before:
        work(project)
    other = twin(project, project.moment())
    assert differences(other.moment(), project.moment()) == {}
    assert (other.idle(), other.pending()) == (project.idle(), project.pending())
    for work in [*after, advanced(HOUR)]:
        work(project)
        work(other)
        assert differences(other.moment(), project.moment()) == {}


@given(profiles, st.lists(works, min_size=1, max_size=12))
def test_an_earlier_world_is_made_again(profile: Profile, done: list[Work]) -> None:
    """Behind the last line of each step the world is as it was then."""
    project = make_project(profile, random_seed=7)
    was: dict[int, Moment] = {}
    for work in done:
        work(project)
        was[project.history.last] = project.moment()
    for line, moment in was.items():
        again = project.moment(line)
        assert (again.line, again.entries) == (line, moment.entries)
        assert again.state.rows == moment.state.rows
        assert twin(project, again).moment().state == again.state


@given(profiles, st.lists(works, min_size=1, max_size=8), st.data())
def test_any_line_can_be_gone_back_to(profile: Profile, done: list[Work], data: st.DataObject) -> None:
    """Also one within a step: the world is that of its end, and goes on from there; what was published stays whole.

    Only ids are others: neither a message's nor a consumer's is given twice.
    """
    project = make_project(profile, random_seed=7)
    for work in done:
        work(project)
    line = data.draw(st.integers(1, project.history.last))
    other = twin(project, project.moment(line))
    assert other.history.last >= line
    clock_of(other).advance(HOUR)
    assert other.idle().timers == 0
    moment = project.moment(line)
    twice = twin(project, moment)
    for world in (project, twice):
        world.go_back(moment)
        clock_of(world).advance(HOUR)
    assert differences(twice.moment(), project.moment()).keys() <= {"register consumers"}


def test_a_moment_that_is_too_long_ago_is_refused() -> None:
    """A world that was gone back to has no past, and one keeps as much of it as of its history."""
    project = make_project()
    kept(1, "deliver")(project)
    project.go_back(project.moment())
    last = project.history.last
    with pytest.raises(ForgottenError, match=f"the oldest that is kept is the one behind line {last}"):
        project.moment(last - 1)
    kept(2, "deliver")(project)
    assert project.moment(last).line == last


def test_a_subscription_of_another_time_has_its_own_messages() -> None:
    """Also where one that has come since has the same number."""
    project = make_project()
    first = project.moment()
    project.queue.make("event", f"{ACCESS_ID}-early")
    kept(2, "deliver")(project)
    early = project.moment()
    project.go_back(first)
    project.queue.make("event", f"{ACCESS_ID}-late")
    project.go_back(early)
    (again,) = project.queue.make("event", f"{ACCESS_ID}-early")
    assert again.pending == 1
    assert not project.queue.has_subscription("event", f"{ACCESS_ID}-late")
