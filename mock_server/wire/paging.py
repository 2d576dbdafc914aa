"""`page_no` and `page_size` of a list call: the table spells them in snake case, the example in camel case."""

from collections.abc import Mapping

from mock_server.model import JsonObject
from mock_server.problems import Problem, Reader, whole_number
from mock_server.wire.errors import error_for

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 200
_MAX_PAGE = 2**31 - 1


def read_page(query: Mapping[str, str]) -> tuple[int, int]:
    """Page number (from 1) and page size. Both are optional here (our choice). VendorError names every problem."""
    problems: list[Problem] = []
    page_no = _read(query, ("page_no", "pageNo"), 1, _MAX_PAGE, problems)
    page_size = _read(query, ("page_size", "pageSize"), DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, problems)
    if problems:
        raise error_for(problems)
    return page_no, page_size


def _read(query: Mapping[str, str], names: tuple[str, str], default: int, high: int, problems: list[Problem]) -> int:
    name = next((name for name in names if name in query), None)
    if name is None:
        return default
    text = query[name]
    number = whole_number(text)
    value: JsonObject = {name: text if number is None else number}
    return Reader(value, "", problems).integer(name, 1, high) or default
