from dataclasses import FrozenInstanceError

import pytest

from mock_server.profile import Profile, open_points


@pytest.mark.parametrize(
    ("window_bounds", "inside"), [("[s,e)", [10, 11]), ("[s,e]", [10, 11, 12]), ("(s,e]", [11, 12])]
)
def test_bounds_are_a_half_open_window_of_whole_milliseconds(window_bounds: str, inside: list[int]) -> None:
    """Every reading of start and end becomes low <= time < high."""
    low, high = Profile(window_bounds=window_bounds).bounds(10, 12)  # type: ignore[arg-type] # parameters are texts
    assert list(range(low, high)) == inside


def test_every_open_point_is_named_and_explained() -> None:
    """A1 to A10 each have a field, and each field says what it answers."""
    points = {field.metadata["point"] for field in open_points()}
    assert points >= {f"A{number}" for number in range(1, 11)}
    assert all(len(field.metadata["doc"]) > 10 for field in open_points())


def test_a_profile_cannot_change() -> None:
    """A project's answers stay what they were when it began."""
    with pytest.raises(FrozenInstanceError):
        Profile().over_count = "ignore"  # type: ignore[misc] # that it is refused is the point
