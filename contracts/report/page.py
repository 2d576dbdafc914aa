"""What the pages of reports share: their templates, and the sign and the style of each verdict."""

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from contracts.report.summary import KNOWN, LATER
from contracts.rules.verdict import Verdict
from mock_server.history.story import how_many
from mock_server.words import clock_text, day_text

SIGNS: Mapping[str, str] = {
    Verdict.PASS: "\u2713",
    Verdict.FAIL: "\u2717",
    Verdict.NON_STRICT: "!",
    Verdict.INFO: "i",
    Verdict.NOT_EXERCISED: "\u2013",
    Verdict.UNIMPLEMENTED: "?",
    KNOWN: "\u2248",
    LATER: "\u2248",
}
"""The sign beside a verdict's name, so that the verdict can be read without colours."""

_AFTER_PUNCTUATION: re.Pattern[str] = re.compile(r"(?<=[.:/_-])(?=\w)")
"""Where a narrow screen may break a name."""


def sign_of(counted_as: str) -> str:
    """The sign of what a rule is counted as; of a verdict of another version too."""
    return SIGNS.get(counted_as, "\u00b7")


def style_of(counted_as: str) -> str:
    """The class of its style."""
    return "known" if counted_as in (KNOWN, LATER) else counted_as


@cache
def environment() -> Environment:
    """The templates, compiled once in this process: that takes ten times as long as to fill them."""
    made = Environment(
        loader=PackageLoader("contracts.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": clock_text,
        "day": day_text,
        "how_many": how_many,
        "parts": _AFTER_PUNCTUATION.split,
    }
    return made
