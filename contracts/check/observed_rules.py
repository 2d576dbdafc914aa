"""The rules that can be judged by the traffic of a client that is only observed."""

from contracts.rules import RULES
from contracts.rules.base import Rule

GROUPS = ("FORM", "CNT", "SEC", "PROC")
"""Groups of which every rule is judged that needs only traffic, or the client's process."""

ALSO = ("WIN-MAX24", "WIN-POSITIVE", "ERR-BODY", "ERR-TOKEN", "TIME-MS", "CONV-REACHES", "CONV-QUIET", "CONV-MONOTONE")
"""Rules of other groups that hold whatever the length of a window: an observed client may use shorter ones."""

NOT_HERE = ("CNT-SNAPSHOT",)
"""A count that lags behind: in real time every count may, see `contracts.run.observed`."""

JUDGED: tuple[Rule, ...] = tuple(
    rule
    for rule in RULES.values()
    if set(rule.needs) <= {"traffic", "process"}
    and (rule.group in GROUPS or rule.id in ALSO)
    and rule.id not in NOT_HERE
)
"""The rules by which an observed client is judged."""
