"""The rules that can be judged by the traffic of a client that is only observed."""

from contracts.rules import RULES
from contracts.rules.base import Rule

GROUPS = ("FORM", "CNT", "SEC", "PROC")


ALSO = ("WIN-MAX24", "WIN-POSITIVE", "ERR-BODY", "ERR-TOKEN", "TIME-MS", "CONV-REACHES", "CONV-QUIET", "CONV-MONOTONE")


NOT_HERE = ("CNT-SNAPSHOT",)
"""All that traffic alone shows and that does not depend on how long an hour is."""


JUDGED: tuple[Rule, ...] = tuple(
    rule
    for rule in RULES.values()
    if set(rule.needs) <= {"traffic", "process"}
    and (rule.group in GROUPS or rule.id in ALSO)
    and rule.id not in NOT_HERE
)
"""The rules that an observed client is judged by."""
