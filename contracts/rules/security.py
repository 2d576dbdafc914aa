"""Rules of security, judged by the traffic, the store, and the output of the client's process."""

import re
from collections.abc import Iterator

from contracts.play.recording import ActKind, DecoyFinding, OutputFinding
from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.faults.catalogue import FaultKind
from mock_server.history.index import Call, Delivery, LotRecord
from mock_server.model import SECOND
from mock_server.wire.errors import ErrorCode

RULES = RuleBook("Security")

CREDENTIALS = (OutputFinding.SECRET, OutputFinding.PASSWORD, OutputFinding.TOKEN)

_IN_QUERY = re.compile(r"(?:^|&)((?:access_?|refresh_?)?token|(?:access_?|client_?)?secret|password)=", re.IGNORECASE)

HARMLESS_BYTES = range(16, 32)
"""Positions in an encrypted message at which a flipped bit damages only the `dataId` that every text begins with, in
either cipher: a client that does not verify the message can still read the rest."""


@RULES.rule(
    "SEC-SIGN",
    "must",
    "documented",
    statement="Each attempt of a call has its own time, and its nonce if it has one, and a right signature over both.",
    why="A signed request that is sent again as it was is what a replay looks like: clouds refuse it, soon or later.",
    spares="Repeating within the same second without a nonce; a wrong clock.",
)
def sign(run: Run) -> Outcome:
    """Exercised where a failed call is tried again while its old signature would still pass."""
    return judged(any(_retries(run)), [*_signed_wrongly(run), *_sent_again(run)])


def _retries(run: Run) -> Iterator[bool]:
    failed: dict[tuple[str, ...], int] = {}
    for call in run.calls:
        asked = call.request
        key = (asked.method, asked.path, asked.query, asked.body)
        yield key in failed and SECOND <= call.time - failed[key] <= run.profile.time_tolerance_ms
        if not call.understood:
            failed[key] = call.time


def _signed_wrongly(run: Run) -> Iterator[Breach]:
    """Refused signatures, but not those of calls with a body if calls without one pass: FORM-JSON judges those."""
    signed_well = False
    for call in run.calls:
        is_refused = call.code in (ErrorCode.SIGN_INVALID, ErrorCode.HEADER_MISSING)
        if (
            is_refused
            and FaultKind.ANSWER_REFUSE not in run.faults_of(call)
            and not (call.request.body and signed_well)
        ):
            yield Breach(f"{call.request.method} {call.request.path} was refused: {call.code}, signature", call.seq)
        signed_well = signed_well or (call.taken and not call.request.body)


def _sent_again(run: Run) -> Iterator[Breach]:
    first: dict[str, Call] = {}
    for call in run.calls:
        signature = call.request.headers.get("sign", "")
        before = first.setdefault(signature, call)
        if signature and before is not call and (call.request.headers.get("nonce") or _is_stale(run, before, call)):
            text = f"sent the request of line {before.seq} again as it was, {call.time - before.time} ms later"
            yield Breach(text, call.seq)


def _is_stale(run: Run, before: Call, call: Call) -> bool:
    """Whether the time in a repeated request is that of the first attempt, and no jump of the clock explains it."""
    t = call.request.headers.get("t", "")
    fits_first = t.isdigit() and abs(int(t) - before.time) < abs(int(t) - call.time)
    has_jumped = any(before.seq <= act.seq <= call.seq for act in run.acts_of(ActKind.CLOCK_JUMPS))
    # Attempts within a second may have the same time, and then, without a nonce, the same signature.
    return call.time - before.time >= SECOND and fits_first and not has_jumped


@RULES.rule(
    "SEC-TAMPER",
    "must",
    "practice",
    statement="A record is not taken from a message that its signature or its authentication tag shows to be damaged.",
    why="Whoever reads what was changed on the way stores what no lot has said.",
    spares="Refusing, setting aside or throwing away what is damaged. Storing the frame as it came is no record.",
)
def tamper(run: Run) -> Outcome:
    """Exercised if a dump, or else a claim, was made while only damaged messages of a record had been delivered."""
    looks = [dump.seq for dump in run.dumps] or [claim.seq for claim in run.claims]
    hurt = [record for record in run.records.values() if any(map(_is_tempting, record.deliveries))]
    exercised = any(_is_tempted(record, seq) for record in hurt for seq in looks)
    return judged(exercised, _stored(run) if run.dumps else _counted(run))


def _is_tempted(record: LotRecord, seq: int) -> bool:
    came = any(_is_tempting(each) for each in record.deliveries if each.seq < seq)
    return came and not record.intact_before(seq)


def _is_tempting(delivery: Delivery) -> bool:
    return delivery.faults.get(FaultKind.MESSAGE_FLIP_BIT) in HARMLESS_BYTES and not delivery.torn


def _only_damaged(record: LotRecord, seq: int) -> bool:
    return not record.intact_before(seq) and any(each.damaged and each.seq < seq for each in record.deliveries)


def _stored(run: Run) -> Iterator[Breach]:
    for dump in run.dumps:
        stored = {(each.device_id, each.data_type, each.record_id) for each in dump.records}
        for record in run.records.values():
            if record.key in stored and _only_damaged(record, dump.seq):
                text = f"stored record {record.name} though every message about it was damaged"
                yield Breach(text, record.deliveries[0].seq)


def _counted(run: Run) -> Iterator[Breach]:
    """For a client without a dump: its claims, if all of them are the numbers that include damaged messages."""
    counts = [(claim, *_with_and_without(run, claim)) for claim in run.claims]
    if all(claim.claimed == with_damaged for claim, with_damaged, _ in counts):
        for claim, with_damaged, without in counts:
            if with_damaged > without:
                text = f"claimed {with_damaged} records of which {with_damaged - without} came in damaged messages only"
                yield Breach(text, claim.seq)


def _with_and_without(run: Run, claim: Claim) -> tuple[int, int]:
    inside = run.in_cell(claim.cell)
    return (
        sum(each.delivered_before(claim.seq) for each in inside),
        sum(each.intact_before(claim.seq) for each in inside),
    )


@RULES.rule(
    "SEC-SECRET",
    "must",
    "practice",
    statement="Neither the secret, nor the queue's password, nor a token is in what the process writes, or in a URL.",
    why="Logs are copied, searched and kept where keys are not, and proxies write URLs down.",
    needs=("process",),
    spares="A store of any file name that holds keys: a `.log` file is searched only if a line has a level or a time.",
)
def secret(run: Run) -> Outcome:
    """Exercised by every client that made a call and whose output was captured."""
    told = [Breach(f"wrote {each.kind}: {each.text}", each.seq) for each in run.findings_of(*CREDENTIALS)]
    return judged(run.calls and run.findings_of(OutputFinding.WATCHED), [*told, *_in_urls(run)])


def _in_urls(run: Run) -> Iterator[Breach]:
    for call in run.calls:
        named = _IN_QUERY.search(call.request.query)
        if named:
            yield Breach(f"{call.request.method} {call.request.path} has {named[1]} in its URL", call.seq)


@RULES.rule(
    "SEC-PII",
    "should",
    "practice",
    statement="No plate is in what the client's process writes.",
    why="A plate is personal data, and a log is no place for it.",
    needs=("process",),
)
def pii(run: Run) -> Outcome:
    """Exercised where a record was delivered to a client whose output was captured."""
    told = [Breach(f"wrote {each.kind}: {each.text}", each.seq) for each in run.findings_of(OutputFinding.PLATE)]
    return judged(run.findings_of(OutputFinding.WATCHED) and any(each.record for each in run.deliveries), told)


@RULES.rule(
    "SEC-TLS",
    "must",
    "practice",
    statement="Nothing is sent over a connection whose certificate nobody has signed whom the client trusts.",
    why="Whoever stands between it and the cloud reads its tokens, and answers as he likes.",
    needs=("process",),
    spares="Refusing the connection, at whatever layer; a bundle of its own authorities.",
)
def tls(run: Run) -> Outcome:
    """Exercised where a client connected to an address with such a certificate."""
    return judged(
        run.findings_of(DecoyFinding.TLS_TRIED),
        (Breach(each.text, each.seq) for each in run.findings_of(DecoyFinding.TLS_TRUSTED)),
    )


@RULES.rule(
    "SEC-REDIRECT",
    "must",
    "practice",
    statement="Credentials go to no other host, whatever an answer says.",
    why="A redirect is all it takes to collect signatures and tokens elsewhere.",
    needs=("process",),
    spares="Following a redirect without credentials, or not at all.",
)
def redirect(run: Run) -> Outcome:
    """Exercised where a call was answered with a redirect."""
    return judged(
        run.findings_of(DecoyFinding.REDIRECTED),
        (Breach(each.text, each.seq) for each in run.findings_of(DecoyFinding.FOLLOWED)),
    )
