"""`parking-mock check`, `rules`, `matrix` and `replay`.

Exit codes: 0 all well, 1 the client fails a rule (for `matrix`: a known-bad client survives), 2 wrong usage, 3 the
harness itself failed.
"""

from contracts.commands.check import check
from contracts.commands.matrix import matrix
from contracts.commands.replay import replay
from contracts.commands.rules import rules

__all__ = ["check", "matrix", "replay", "rules"]
