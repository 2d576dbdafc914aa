import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.errors import VendorError
from mock_server.wire.paging import read_page


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, (1, 20)),
        ({"page_no": "2", "page_size": "50"}, (2, 50)),
        ({"pageNo": "3", "pageSize": "200"}, (3, 200)),
        ({"page_no": "2147483647", "page_size": "1"}, (2147483647, 1)),
    ],
)
def test_both_spellings_are_read_and_both_are_optional(query: dict[str, str], page: tuple[int, int]) -> None:
    """The table spells them in snake case, the example in camel case."""
    assert read_page(query) == page


@pytest.mark.parametrize(
    ("query", "code", "name"),
    [
        ({"page_no": "0"}, 1101, "page_no"),
        ({"page_no": "2147483648"}, 1101, "page_no"),
        ({"pageSize": "201"}, 1101, "pageSize"),
        ({"page_size": "ten"}, 1104, "page_size"),
        ({"page_size": ""}, 1104, "page_size"),
        ({"page_size": "-1"}, 1104, "page_size"),
        ({"page_no": "9" * 30}, 1104, "page_no"),
        ({"page_no": "x", "page_size": "0"}, 1104, "page_size must be from 1 to 200"),
    ],
)
def test_a_bad_page_is_refused_by_its_name(query: dict[str, str], code: int, name: str) -> None:
    """In the spelling that the client used; all problems at once."""
    with pytest.raises(VendorError, match=name) as caught:
        read_page(query)
    assert caught.value.code == code


@given(st.dictionaries(st.sampled_from(("page_no", "page_size", "pageNo", "pageSize")), st.text(max_size=12)))
def test_any_texts_are_a_page_or_a_refusal(query: dict[str, str]) -> None:
    """Never anything else."""
    try:
        number, size = read_page(query)
    except VendorError as error:
        assert error.code in {1101, 1104}  # noqa: PT017 a page is as good an outcome
    else:
        assert number >= 1
        assert 1 <= size <= 200
