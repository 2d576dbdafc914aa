"""Cases of counting."""

from contracts.case import Case
from contracts.strategies import fates, records, scenario

CASES = (
    Case(
        "count/copies",
        ("CNT-TRUTH", "CNT-RECORD-ID", "CNT-NOT-MSG-ID"),
        "Some records of an hour are lost or come twice.",
        scenario(records(2, 4, fate=fates())),
    ),
)
