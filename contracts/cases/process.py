"""Cases of the client as a process, and of several processes side by side."""

from contracts.cases.base import Case
from contracts.cases.form import ONE_ASK
from contracts.play.strategies import KINDS, fates, records, scenario
from mock_server.model import HOUR

CASES = (
    Case(
        "process/answers",
        ("PROC-ANSWER",),
        "Some records come, and the process is asked for everything that it says it can do.",
        scenario(records(1, 3, kinds=KINDS), settles=False, runs_ms=ONE_ASK),
    ),
    Case(
        "process/instances",
        ("CONV-SINGLE",),
        "Two instances of the client run side by side, with the same keys and the same folder.",
        scenario(records(1, 2, fate=fates()), settles=False, runs_ms=ONE_ASK + HOUR, instances=2),
    ),
)
