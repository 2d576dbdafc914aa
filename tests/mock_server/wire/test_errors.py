from mock_server.problems import Problem, ProblemKind
from mock_server.wire.errors import BY_NUMBER, CODE_OF_PROBLEM, ErrorCode, VendorError, error_for


def test_codes_are_numbers_that_know_their_texts() -> None:
    """Found by number, each with the vendor's words."""
    assert BY_NUMBER[1010] is ErrorCode.TOKEN_INVALID
    assert (ErrorCode.TOKEN_INVALID, ErrorCode.TOKEN_INVALID.message) == (1010, "token invalid")


def test_the_message_is_the_vendors_text_and_then_ours() -> None:
    """Behind a colon, if there is anything to say."""
    assert VendorError(ErrorCode.SIGN_INVALID).msg == "sign invalid"
    assert VendorError(ErrorCode.SIGN_INVALID, "why").msg == "sign invalid: why"
    assert VendorError(ErrorCode.CLIENT_ID_INVALID, message="clientId is invalid").msg == "clientId is invalid"


def test_every_kind_of_problem_has_a_code() -> None:
    """A new kind cannot be forgotten."""
    assert CODE_OF_PROBLEM.keys() == set(ProblemKind)


def test_a_body_with_problems_is_refused_with_the_first_ones_code() -> None:
    """All problems are named, in order, twenty at most."""
    problems = [Problem(ProblemKind.RANGE, f"f{number}", "is bad") for number in range(25)]
    error = error_for([Problem(ProblemKind.NULL, "first", "must not be null"), *problems])
    assert error.code == 1102
    assert error.msg.startswith("param is null: first must not be null; f0 is bad; f1 is bad")
    assert error.msg.endswith("f18 is bad; and 6 more")
    assert error_for(problems[:1]).msg == "params range invalid: f0 is bad"
