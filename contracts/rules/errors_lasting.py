"""Rules of errors that do not pass by themselves: tokens, clocks, keys, permissions and brands."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import chain

from contracts.rules.base import NOT_EXERCISED, Breach, Outcome, judged
from contracts.rules.errors_passing import FREE, RULES, TRIES_A_MINUTE, first, hasty, left
from contracts.rules.evidence import errors as failures
from contracts.rules.evidence.errors import (
    ENOUGH,
    PATIENCE,
    PROBES,
    ATimed,
    may_stop,
    most_within,
    refused_with,
    repeats_at_once,
    rows,
    stubborn,
)
from contracts.run.run import Run
from contracts.run.syncs import Sync
from mock_server.history.events import CommandMoved
from mock_server.history.index import Call
from mock_server.model import HOUR, JIESHUN, MINUTE, SECOND, ProcessStatus
from mock_server.wire.paths import TOKEN_PATH
from mock_server.words import cell_text

__all__ = ["RULES"]

WATCHED = 6 * HOUR
"""How long a run must go on after a refusal for good to show that the client does not repeat the call."""

COMMANDS_ENOUGH = 6
"""After this number of failed commands of a lot a client must know that they always fail."""

SAME_TOKEN = 3
"""At this number of moments one token is refused, without a call for another: that is no race between calls."""

ON_THE_WAY_MS = SECOND
"""Calls with one token that are refused within this time of the first may have been sent at once, by many workers."""


# Tokens


@RULES.rule(
    "ERR-TOKEN",
    "must",
    "derived",
    statement="A call refused for its token (1010, 1011) is repeated once with a new one: a token that was refused is"
    " not used again, and one that is refused as well is no reason to go round and round.",
    why="A token dies early whenever somebody else refreshes it. A loop of refreshing logs everybody else out.",
    partly=("pauses",),
    spares="Renewing early, or only when refused; repeating at once or at the next pass; any number of calls on "
    "their way with the old token.",
)
def token(run: Run) -> Outcome:
    """No repeats without a pause, no further use of a refused token, and no cell left open."""
    fails = refused_with(failures.TOKEN)
    found = [*first(hasty(run, fails, at_once=ENOUGH)), *_dead_tokens(run), *left(run, fails)]
    refused = [sync for sync in run.syncs if fails(run, sync)]
    return judged(refused and run.ended_at - refused[0].time >= HOUR, found)


def _dead_tokens(run: Run) -> Iterator[Breach]:
    """Tokens that were refused at `SAME_TOKEN` moments without a call for another."""
    refused: dict[str, list[int]] = defaultdict(list)
    for call in run.calls:
        if _is_for_token(call):
            refused.clear()
        elif _was_refused(call, failures.TOKEN):
            moments = refused[call.request.headers.get("access_token", "")]
            if not moments or call.time - moments[-1] >= ON_THE_WAY_MS:
                moments.append(call.time)
                if len(moments) == SAME_TOKEN:
                    yield Breach(f"a token was refused {SAME_TOKEN} times, and no other was asked for", call.seq)


def _is_for_token(call: Call) -> bool:
    return call.request.path.startswith(TOKEN_PATH)


def _was_refused(call: Call, codes: Container[int | None]) -> bool:
    return call.code in codes and call.answer is not None and call.answer.sent == "whole"


# Clocks


@RULES.rule(
    "ERR-TIME",
    "must",
    "derived",
    statement="A call refused for its time (1013) is sent again with a corrected time, or not at all: not three times"
    f" without a pause, and after {FREE} tries in a row {TRIES_A_MINUTE} times a minute at most.",
    why="With the same clock the same request fails again. Every answer tells the cloud's time.",
    needs=("pauses",),
    spares="Stopping and telling somebody; correcting the time by the answer's; pauses in real time.",
)
def time(run: Run) -> Outcome:
    """The pace of repeats of a cell, and of calls for a token, that were refused for their time."""
    fails = refused_with(failures.TIME)
    refused = [call for call in run.calls if call.code in failures.TIME]
    lasting = len(refused) > ENOUGH or any(_is_off(run, call) for call in refused)
    return judged(lasting, first(chain(hasty(run, fails, at_once=ENOUGH), _hasty_tokens(run))))


def _is_off(run: Run, call: Call) -> bool:
    sent = call.request.headers.get("t", "")
    return not sent.isdigit() or abs(int(sent) - call.time) > run.profile.time_tolerance_ms


def _hasty_tokens(run: Run) -> Iterator[Breach]:
    for row in rows(run, run.token_calls, lambda call: call.code in failures.TIME):
        if repeats_at_once(row) >= ENOUGH or most_within(row[FREE:], MINUTE) > TRIES_A_MINUTE:
            yield Breach(f"{len(row)} calls for a token in a row were refused for their time", row[0].seq)


# What is refused for good


def _never_again(
    run: Run,
    asked: Sequence[ATimed],
    fails: Callable[[ATimed], bool],
    text: str,
    enough: int = ENOUGH,
) -> Outcome:
    """The outcome of a rule about calls that are refused for good: how often a client repeats them.

    `asked` are all calls or claims of one kind, `fails` says which were refused so. After `enough` refusals in a row
    more than `PROBES` tries a day are a breach, whose message begins with `text`.
    """
    refused = [each for each in asked if fails(each)]
    if not refused:
        return NOT_EXERCISED
    for row in rows(run, asked, fails):
        last = stubborn([each for each in row if fails(each)], enough)
        if last is not None:
            message = f"{text} was refused for good {enough} times in a row, and tried more than {PROBES} times a day"
            return Outcome(exercised=True, breaches=(Breach(message, last.seq),))
    return Outcome(exercised=fails(asked[-1]) and run.ended_at - refused[0].time >= WATCHED)


def _all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of one rule for several lots, paths or cells as one outcome."""
    return judged(any(each.exercised for each in outcomes), [each for found in outcomes for each in found.breaches])


@RULES.rule(
    "ERR-SIGN",
    "must",
    "derived",
    statement=f"A client whose signature is wrong (1004) stops: after {ENOUGH} refusals in a row it tries {PROBES}"
    " times a day at most.",
    why="Keys do not heal by themselves: somebody must be told. Until then every call is refused, and counted.",
    spares="Two probes a day; a restart. A probe each hour is accused: it heals nothing, since the keys are "
    "the client's own.",
)
def sign(run: Run) -> Outcome:
    """The calls of each path that was refused for its signature."""
    paths = {call.request.path: None for call in run.calls if call.code in failures.SIGN}

    def of(path: str) -> Outcome:
        calls = [call for call in run.calls if call.request.path == path]
        return _never_again(run, calls, lambda call: _was_refused(call, failures.SIGN), f"a call of {path}")

    return _all_of([of(path) for path in paths])


@RULES.rule(
    "ERR-PERMANENT",
    "must",
    "derived",
    statement="What the cloud refuses for its content, for lack of permission (1106) or of a device (2010) is not sent"
    f" again by itself: after {ENOUGH} refusals in a row {PROBES} times a day at most.",
    why="The same request is refused again, until somebody changes something.",
    spares="Two probes a day, a restart, other windows of the same lot. The refusals of one pass over many "
    "windows count as one.",
)
def permanent(run: Run) -> Outcome:
    """The claims of each cell that was refused so. One breach suffices: the cells of one call have the same."""
    fails = refused_with(failures.PERMANENT)
    cells = {cell: None for sync in run.syncs if fails(run, sync) for cell in sync.cells}
    found = _all_of(
        [
            _never_again(run, run.claims_of.get(cell, []), lambda claim: fails(run, claim.sync), cell_text(cell))
            for cell in cells
        ]
    )
    return found._replace(breaches=found.breaches[:1])


# Brands


@RULES.rule(
    "ERR-UNSUPPORTED",
    "must",
    "documented",
    statement=f"A lot that does not support the command is left alone: after {ENOUGH} refusals, or {COMMANDS_ENOUGH}"
    f" failed commands of a Jieshun lot, it is asked {PROBES} times a day at most.",
    why="The vendor says that Jieshun lots do not support it. Calls cost money, and somebody must be told.",
    spares="Two probes a day; learning by command results only after six of them.",
)
def unsupported(run: Run) -> Outcome:
    """The syncs of each Jieshun lot: refused, or accepted with a command that fails."""
    refuses = run.profile.jieshun == "refuse"

    def of(device_id: str) -> Outcome:
        syncs = [sync for sync in run.syncs if sync.device_id == device_id]
        text = f"lot {device_id} does not support the command: it"
        enough = ENOUGH if refuses else COMMANDS_ENOUGH
        return _never_again(run, syncs, lambda sync: _is_unsupported(run, sync), text, enough)

    return _all_of([of(device_id) for device_id in _jieshun_lots(run)])


@RULES.rule(
    "ERR-UNSUPPORTED-SCOPE",
    "must",
    "derived",
    statement="A lot that does not support the command stops nothing but itself: the other lots are asked as before.",
    why="One lot of another brand would end the reconciliation of the whole project.",
    spares="A pause for all lots after an error, if the others are asked again within two days.",
)
def scope(run: Run) -> Outcome:
    """Every other lot is asked again after a sync has shown that one lot does not support the command."""
    told = next((sync for sync in run.syncs if _is_unsupported(run, sync)), None)
    if told is None or run.calm_at is None:
        return NOT_EXERCISED
    since = max(told.time, run.calm_at)
    others = [device_id for device_id in run.devices if run.takes_sync(device_id)]
    left_out = [device_id for device_id in others if not _is_asked(run, device_id, told.seq)]
    return judged(
        any(_is_needed(run, device_id, told.seq) for device_id in others),
        (
            Breach(f"lot {device_id} was not asked again after lot {told.device_id} had refused", told.seq)
            for device_id in left_out
            if run.ended_at - since >= PATIENCE and not may_stop(run, device_id)
        ),
    )


def _jieshun_lots(run: Run) -> list[str]:
    return [device_id for device_id, device in run.devices.items() if device.supplier_code == JIESHUN]


def _is_unsupported(run: Run, sync: Sync) -> bool:
    """Whether a sync showed that its lot does not support the command."""
    if sync.device_id not in _jieshun_lots(run):
        return False
    answer = sync.call.answer
    failed = answer is not None and answer.sn in run.once(_failed_commands)
    return failed or _was_refused(sync.call, failures.UNSUPPORTED)


def _failed_commands(run: Run) -> set[str]:
    """The `sn` of the commands that failed."""
    moved = (entry.event for entry in run.entries if isinstance(entry.event, CommandMoved))
    return {event.sn for event in moved if event.status == ProcessStatus.FAILED}


def _is_asked(run: Run, device_id: str, after: int) -> bool:
    return any(sync.device_id == device_id and sync.seq > after for sync in run.syncs)


def _is_needed(run: Run, device_id: str, after: int) -> bool:
    """Whether a lot and the client could not converge without a sync after an entry of the history."""
    claims = [claim for claim in run.claims if claim.cell.device_id == device_id]
    settled = {claim.cell for claim in claims if claim.seq <= after and claim.equal}
    return any(claim.seq > after and claim.cell not in settled and run.in_cell(claim.cell) for claim in claims)
