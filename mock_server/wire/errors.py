"""The vendor's error codes that this cloud uses, and the exception that carries one."""

from enum import IntEnum
from typing import Self

from mock_server.problems import Problem, ProblemKind, in_words


class ErrorCode(IntEnum):
    """Codes and texts of the vendor's global error table (documented)."""

    message: str

    def __new__(cls, code: int, message: str) -> Self:
        """A code with its text as `message`."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        return member

    SYSTEM_ERROR = 500, "system error, please contact the admin"
    DATA_NOT_EXIST = 1000, "data not exist"
    GRANT_TYPE_INVALID = 1003, "grant type invalid"
    SIGN_INVALID = 1004, "sign invalid"
    CLIENT_ID_INVALID = 1005, "clientId invalid"
    CONTENT_TYPE_NOT_SUPPORTED = 1006, "not support content type"
    TOKEN_INVALID = 1010, "token invalid"
    REQUEST_TIME_INVALID = 1013, "request time is invalid"
    PARAM_EMPTY = 1100, "param is empty"
    PARAM_RANGE_INVALID = 1101, "params range invalid"
    PARAM_NULL = 1102, "param is null"
    TYPE_INCORRECT = 1104, "type is incorrect"
    HEADER_MISSING = 1105, "missing the header"
    PERMISSION_DENY = 1106, "permission deny"
    CODE_INVALID = 1107, "code invalid"
    URI_PATH_INVALID = 1108, "uri path invalid"
    PARAM_ILLEGAL = 1109, "param is illegal, please check it"
    DEVICE_OFFLINE = 2001, "device is offline"
    FUNCTION_NOT_SUPPORTED = 2003, "function not support"
    COMMAND_NOT_SUPPORTED = 2008, "command or value not support"
    DEVICE_NOT_SUPPORTED = 2009, "not support this device"
    DEVICE_NOT_EXIST = 2010, "device not exist"


BY_NUMBER: dict[int, ErrorCode] = {int(code): code for code in ErrorCode}
"""The codes by their numbers, for profiles that name a number."""

CODE_OF_PROBLEM = {
    ProblemKind.MISSING: ErrorCode.PARAM_EMPTY,
    ProblemKind.NULL: ErrorCode.PARAM_NULL,
    ProblemKind.TYPE: ErrorCode.TYPE_INCORRECT,
    ProblemKind.RANGE: ErrorCode.PARAM_RANGE_INVALID,
    ProblemKind.ILLEGAL: ErrorCode.PARAM_ILLEGAL,
}
"""The code of a body's problem, by its kind (our choice, but 1104 for a wrong type, which was observed)."""

_PROBLEMS_NAMED = 20


class VendorError(Exception):
    """A refusal: `code` and `msg` of the envelope. `msg` is `message` or the vendor's text, a colon and `detail`."""

    def __init__(self, code: int, detail: str = "", *, message: str | None = None) -> None:
        self.code = int(code)
        text = BY_NUMBER[code].message if message is None else message
        self.msg = f"{text}: {detail}" if detail else text
        super().__init__(f"{int(code)} {self.msg}")


def error_for(problems: list[Problem]) -> VendorError:
    """The refusal of a body: the code of its first problem, and all problems (20 at most) in the text."""
    named = in_words(problems[:_PROBLEMS_NAMED])
    more = len(problems) - _PROBLEMS_NAMED
    return VendorError(CODE_OF_PROBLEM[problems[0].kind], named + (f"; and {more} more" if more > 0 else ""))
