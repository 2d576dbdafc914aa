"""Cells and windows in the words of every message."""

import pytest
from msgspec import structs

from mock_server.model import DAY, HOUR, INT64_MAX, Cell, DataType, PassDirection
from mock_server.words import cell_text, folded, window_text
from tests.support import LOT, NOON


def test_a_cell_in_words() -> None:
    """A cell names its lot, what is counted, and its window."""
    cell = Cell(LOT, DataType.PASS, PassDirection.LEAVE, NOON, NOON + HOUR)
    assert cell_text(cell) == f"lot {LOT}, passes, leave, 2022-05-17 12:00:00.000 - 13:00:00.000"
    assert ", bills, " in cell_text(structs.replace(cell, data_type=DataType.BILL, pass_direction=None))


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (NOON - 500, NOON + HOUR - 500, "2022-05-17 11:59:59.500 - 12:59:59.500"),
        (NOON, NOON + DAY, "2022-05-17 12:00:00.000 - 2022-05-18 12:00:00.000"),
        (NOON, 253_402_300_799_999, "2022-05-17 12:00:00.000 - 9999-12-31 23:59:59.999"),
        (0, INT64_MAX, "0 ms - 9223372036854775807 ms"),
        (-1, NOON, "-1 ms - 1652788800000 ms"),
    ],
)
def test_a_window_in_words(start: int, end: int, text: str) -> None:
    """The day is said once where it is the same; what no calendar has is told as a number."""
    assert window_text(start, end) == text


def test_a_long_text_goes_on_below() -> None:
    """It is broken between words, and inside of a word only where that is longer than a line; nothing is left out."""
    assert folded("call   ", "to Sir Long-Name", 16, 7) == ["call   to Sir", "       Long-Name"]
    assert folded("  ", "x" * 9 + " y", 8, 4) == ["  xxxxxx", "    xxx", "    y"]
    assert folded("call   ", "", 16, 7) == ["call"]
