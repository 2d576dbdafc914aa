"""What a check finds, a line each as soon as it is found: a whole check takes minutes, a first finding seconds."""

from collections.abc import Callable

from contracts.check.engine import Found, Plan
from contracts.report.text import plain
from contracts.rules.verdict import BROKEN


class Findings:
    """Says the first finding of each rule that is not known to fail. Rules for information are left to the summary."""

    def __init__(self, say: Callable[[str], None], plan: Plan) -> None:
        self._say = say
        self._known = plan.known
        self._levels = {rule.id: rule.level for rule in plan.rules}
        self._told: set[str] = set()

    def __call__(self, found: Found) -> None:
        """Say it, unless its rule was told before."""
        level = self._levels[found.rule_id]
        if found.rule_id in self._told or level == "info" or self._known.covers(found.rule_id, found.case):
            return
        self._told.add(found.rule_id)
        self._say(f"  {BROKEN[level].upper():<10}  {found.rule_id} in {found.case}: {plain(found.message)}")
