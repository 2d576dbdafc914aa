import json

from hypothesis import given
from hypothesis import strategies as st

from mock_server.wire.envelope import encode, failure, success
from mock_server.wire.errors import ErrorCode, VendorError
from tests.strategies import json_values


def test_a_success_has_neither_code_nor_message() -> None:
    """The Java SDK takes any code for a failure."""
    assert success({"sn": "1"}, 5, "tid") == {"result": {"sn": "1"}, "success": True, "t": 5, "tid": "tid"}


def test_a_failure_has_no_result() -> None:
    """The code is a plain number."""
    envelope = failure(VendorError(ErrorCode.SIGN_INVALID), 5, "tid")
    assert envelope == {"code": 1004, "msg": "sign invalid", "success": False, "t": 5, "tid": "tid"}
    assert type(envelope["code"]) is int


@given(st.one_of(json_values, st.text(st.characters(codec=None, categories=["Cs", "L"]))))
def test_every_envelope_is_valid_json_in_utf_8(result: object) -> None:
    """Half a surrogate pair too, which UTF-8 cannot carry, comes out as it went in."""
    assert json.loads(encode(success(result, 0, ""))) == success(result, 0, "")


def test_an_envelope_is_compact_and_not_escaped() -> None:
    """Chinese signs go over the wire as they are."""
    assert encode({"a": "京", "b": 1}) == '{"a":"京","b":1}'.encode()
