"""Cases of security: failing calls, damaged messages, and addresses that are not to be trusted."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.base import Case, varied
from contracts.cases.form import ONE_ASK
from contracts.play.scenario import BEGIN, Scenario, Step, Strikes
from contracts.play.strategies import KINDS, by_profile, records, scenario
from contracts.rules.security import HARMLESS_BYTES
from mock_server.faults.catalogue import FaultKind
from mock_server.model import MINUTE, JsonObject
from mock_server.wire.paths import SYNC_PREFIX, TOKEN_PATH

FAILURES = (
    FaultKind.ANSWER_LOSE,
    FaultKind.ANSWER_BUSY,
    FaultKind.ANSWER_ERROR,
    FaultKind.ANSWER_UNKNOWN_CODE,
    FaultKind.ANSWER_NOT_JSON,
    FaultKind.ANSWER_TRUNCATED,
)
CIPHERS: tuple[JsonObject, ...] = ({"encryption": "aes_gcm"}, {"encryption": "aes_ecb"})


def _failures() -> SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Strikes,
            at=st.just(BEGIN),
            kind=st.sampled_from(FAILURES),
            times=st.integers(1, 2),
            path=st.sampled_from((SYNC_PREFIX, TOKEN_PATH)),
        ),
        min_size=1,
        max_size=2,
    )


def _damaged() -> SearchStrategy[list[Step]]:
    strikes = st.sampled_from(HARMLESS_BYTES).map(
        lambda byte: Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, byte, times=1000)
    )
    return st.tuples(strikes, records(1, 2)).map(lambda drawn: [drawn[0], *drawn[1]])


def _noteworthy() -> SearchStrategy[list[Step]]:
    damage: list[Step] = [Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, HARMLESS_BYTES[0])]
    return st.tuples(records(1, 3, kinds=KINDS), _failures(), st.sampled_from(([], damage))).map(
        lambda drawn: [*drawn[0], *drawn[1], *drawn[2]]
    )


CASES = (
    Case(
        "security/retries",
        ("SEC-SIGN",),
        "The first calls fail in ways that are worth another try.",
        scenario(_failures(), settles=False, runs_ms=15 * MINUTE),
    ),
    varied(
        "security/damage",
        ("SEC-TAMPER",),
        "A bit of every message is flipped on the way.",
        by_profile(CIPHERS, _damaged(), settles=False, runs_ms=ONE_ASK),
    ),
    Case(
        "security/logs",
        ("SEC-SECRET", "SEC-PII"),
        "Some records come, some calls fail, a message is damaged: whatever gives a process something to write about.",
        scenario(_noteworthy(), settles=False, runs_ms=ONE_ASK),
    ),
    Case(
        "security/certificate",
        ("SEC-TLS",),
        "The cloud's address has a certificate that nobody has signed.",
        st.just(Scenario(decoy="untrusted certificate", settles=False, runs_ms=10 * MINUTE)),
        fixed=True,
    ),
    Case(
        "security/redirect",
        ("SEC-REDIRECT",),
        "Every call is answered with a redirect to another host.",
        st.just(Scenario(decoy="redirect", settles=False, runs_ms=10 * MINUTE)),
        fixed=True,
    ),
)
