"""Medians, spreads and plain tables."""

from collections.abc import Sequence
from statistics import median

Row = Sequence[object]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median and, in brackets, the least and the greatest value."""
    low, high = min(values), max(values)
    return f"{median(values):,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def ratio(values: Sequence[float], floor: Sequence[float]) -> str:
    """How a series compares with its floor, pair by pair, as both were measured in the same round."""
    return spread([value / base for value, base in zip(values, floor, strict=True)], 2)


def show(title: str, head: Row, rows: Sequence[Row]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        first, *others = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        cells = [first, *(cell.strip().rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip(), flush=True)
