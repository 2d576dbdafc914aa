"""Why a run did not exercise a rule: the steps towards the rule's situation, and the first that never happened.

A rule is exercised where a client that breaks it would be seen to. Each step is something that has to happen for that,
with the times at which it did; the last step that happened is the nearest that the run came to the situation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from contracts.play.recording import ActKind
from contracts.rules.base import Rule
from contracts.rules.converging import ended_in_vain
from contracts.rules.errors_lasting import WATCHED
from contracts.rules.evidence import claims as rounds
from contracts.rules.evidence import errors as failures
from contracts.rules.evidence.coverage import SLACK, downtimes, hindrance, lots_of, owed
from contracts.rules.evidence.encryption import UNREAD, is_about_records, unread
from contracts.rules.evidence.errors import Fails, healed, refused_with, streaks
from contracts.rules.windows import LONG_DOWN
from contracts.run.run import Run
from mock_server.model import HOUR
from mock_server.words import day_text


class Condition(NamedTuple):
    """Something that has to happen, as a noun in the singular, and the times (epoch ms) at which it did."""

    what: str
    times: Sequence[int]


class Missed(NamedTuple):
    """How near a run came to a rule's situation: the number of conditions that held, and in a sentence the rest."""

    steps: int
    text: str


MOST_STEPS = 99
"""More than any situation has: what keeps all of them from arising is told first."""

Conditions: TypeAlias = Callable[[Run], Iterable[Condition]]


def missed(rule: Rule, run: Run) -> Missed:
    """How near a run that did not exercise a rule came to its situation. All times in the text are UTC."""
    if not run.acts_of(ActKind.START):
        return Missed(0, "the client never started")
    if is_about_records(rule.id) and run.once(unread):
        return Missed(MOST_STEPS, UNREAD.format(run.profile.encryption))
    nearest: Condition | None = None
    number = 0
    for number, step in enumerate(SITUATIONS.get(rule.id, _OF_GROUP.get(rule.group, _calls))(run), 1):
        if not step.times:
            return Missed(number, f"there was no {step.what}{_nearest(nearest)}")
        nearest = step
    text = "there was nothing in which a client that breaks the rule would differ from one that keeps it"
    return Missed(number + 1, f"{text}{_nearest(nearest)}")


def _nearest(step: Condition | None) -> str:
    if step is None:
        return ""
    times = f"once, {day_text(step.times[-1])}Z"
    if len(step.times) > 1:
        times = f"{len(step.times)} times, last {day_text(step.times[-1])}Z"
    return f"; nearest: {step.what} ({times})"


# Conditions that several rules share


def _calls(run: Run) -> Iterable[Condition]:
    yield Condition("call of the cloud", [call.time for call in run.calls])


def _syncs(run: Run) -> Iterable[Condition]:
    yield from _calls(run)
    yield Condition("sync of a lot", [sync.time for sync in run.syncs])


def _messages(run: Run) -> Iterable[Condition]:
    connected = [entry.time for entry, event in run.consumers if event.change == "connected"]
    yield Condition("connection to the queue", connected)
    yield Condition("message that was delivered", [each.time for each in run.deliveries])
    yield Condition(
        "message that was acknowledged", [each.time for each in run.deliveries if each.acked_seq is not None]
    )


def _counts(run: Run) -> Iterable[Condition]:
    yield from _messages(run)
    counted = [claim.time for claim in run.claims if run.in_cell(claim.cell)]
    yield Condition("sync about a window in which the lot has a record", counted)


def _able(run: Run) -> Iterable[Condition]:
    """That nothing kept the client from asking at the end of the run, with what did."""
    yield from _syncs(run)
    hindered = {hindrance(run, device_id) for device_id in lots_of(run)}
    why = "; ".join(sorted(text for text in hindered if text is not None))
    free = [run.ended_at] if None in hindered else []
    yield Condition(
        f"end of {SLACK // HOUR} hours in which nothing kept the client from asking{why and f' ({why})'}", free
    )


def _owing(run: Run) -> Iterable[Condition]:
    yield from _able(run)
    spans = run.once(owed).values()
    yield Condition("time after the client's first window that it owed by then", [span.end for span in spans])


def _caught_up(run: Run) -> Iterable[Condition]:
    yield from _owing(run)
    long = [down for down in run.once(downtimes) if down.length >= LONG_DOWN]
    yield Condition(f"downtime of {LONG_DOWN // HOUR} hour or more", [down.start for down in long])
    spans = run.once(owed).values()
    within = [down.start for down in long if any(span.start <= down.start and down.end <= span.end for span in spans)]
    yield Condition("downtime as long after the client's first window and before the last one that it owed", within)


def _failing(run: Run, fails: Fails, how: str) -> Iterable[Condition]:
    """That a sync failed so, about a window with records, and went through later."""
    yield from _syncs(run)
    failed = [sync for sync in run.syncs if fails(run, sync)]
    yield Condition(f"sync that {how}", [sync.time for sync in failed])
    full = [sync.time for sync in failed if any(run.in_cell(cell) for cell in sync.cells)]
    yield Condition(f"sync that {how} about a window in which the lot has a record", full)
    calm = [] if run.calm_at is None else [run.calm_at]
    yield Condition("time without faults after it", [time for time in calm if time >= full[0]] if full else [])
    yield Condition("later success about that window", [claim.time for claim in healed(run, fails)])


def _repeated(run: Run, fails: Fails, how: str, times: int) -> Iterable[Condition]:
    """That tries failed so in a row."""
    yield from _syncs(run)
    yield Condition(f"sync that {how}", [sync.time for sync in run.syncs if fails(run, sync)])
    rows = [row[-1].time for row in streaks(run, fails) if len(row) > times]
    yield Condition(f"window about which {times} syncs in a row failed so, and another followed", rows)


def _refused(run: Run, codes: Iterable[int], how: str, watched_ms: int = WATCHED) -> Iterable[Condition]:
    """That a call was refused so, and time went on after it."""
    yield from _calls(run)
    wanted = frozenset(codes)
    refused = [call.time for call in run.calls if call.code in wanted]
    yield Condition(f"call that was refused {how}", refused)
    later = [time for time in refused if run.ended_at - time >= watched_ms]
    yield Condition(f"refusal {how} {watched_ms // HOUR} hours before the end", later)


def _asked_about_losses(run: Run) -> Iterable[Condition]:
    yield from _syncs(run)
    lost = [record.time for record in run.records.values() if record.losses]
    yield Condition("record of which a message was lost", lost)
    yield Condition("sync about a window with a record that was missing", [q.claim.time for q in _asked(run)])
    yield Condition(
        "sync about it, of which the re-report was lost too or never came",
        [q.claim.time for q in _asked(run) if q.is_open],
    )


def _asked(run: Run) -> list[rounds.Question]:
    return list(rounds.questions(run))


def _in_vain(run: Run) -> Iterable[Condition]:
    yield from _asked_about_losses(run)
    ended = run.once(ended_in_vain)
    times = [sync.time for sync in run.syncs if sync.call.answer and sync.call.answer.sn in ended]
    yield Condition("sync whose command ended as failed or unknown", times)


def _restarted(run: Run) -> Iterable[Condition]:
    yield from _asked_about_losses(run)
    yield Condition("restart while it was missing", [q.claim.time for q in _asked(run) if q.is_open and q.restarted])


def _repeated_reports(run: Run) -> Iterable[Condition]:
    yield from _syncs(run)
    yield Condition("window that was reported again", [entry.time for entry, _ in run.rereports])


def _asked_again(run: Run) -> Iterable[Condition]:
    yield from _syncs(run)
    again = [claims[-1].time for claims in run.claims_of.values() if len(claims) > 1]
    yield Condition("window that was asked about twice", again)


def _fell_silent(run: Run) -> Iterable[Condition]:
    yield from _syncs(run)
    times = [sync.time for sync in run.syncs if sync.call.understood]
    far = [two for one, two in pairwise(times) if two - one > 24 * HOUR]
    yield Condition("time of more than 24 hours between two syncs that succeeded", far)


_OF_GROUP: Mapping[str, Conditions] = {
    "FORM": _syncs,
    "WIN": _syncs,
    "CNT": _counts,
    "REC": _messages,
    "CONV": _repeated_reports,
    "TIME": _counts,
    "SEC": _calls,
}

SITUATIONS: Mapping[str, Conditions] = {
    "WIN-NO-GAP": _owing,
    "WIN-ZERO": _owing,
    "WIN-CATCHUP": _caught_up,
    "WIN-STABLE": _able,
    "WIN-MAX24": _fell_silent,
    "CONV-REACHES": _asked_about_losses,
    "CONV-NOT-BY-SUCCESS": _asked_about_losses,
    "CONV-RESULT": _in_vain,
    "CONV-RESUME": _restarted,
    "CONV-MONOTONE": _asked_again,
    "ERR-BODY": partial(
        _failing, fails=refused_with(failures.BUSY | failures.TROUBLE), how="was refused as busy or with 500"
    ),
    "ERR-KEEP": partial(_failing, fails=failures.PASSING, how="failed for a while"),
    "ERR-PARTIAL": partial(_failing, fails=failures.PASSING, how="failed for a while"),
    "ERR-TIMEOUT": partial(_failing, fails=failures.unanswered, how="got no answer"),
    "ERR-MALFORMED": partial(_failing, fails=failures.unreadable, how="got an unreadable answer"),
    "ERR-OFFLINE": partial(_failing, fails=refused_with(failures.OFFLINE), how="was refused as off line (2001)"),
    "ERR-UNKNOWN-CODE": partial(_failing, fails=failures.with_unknown_code, how="was refused with a code of no table"),
    "ERR-RATE": partial(_repeated, fails=refused_with(failures.BUSY), how="was refused as busy", times=2),
    "ERR-5XX": partial(_repeated, fails=failures.SERVER_TROUBLE, how="met a server in trouble", times=4),
    "ERR-TOKEN": partial(_refused, codes=failures.TOKEN, how="for its token (1010, 1011)", watched_ms=HOUR),
    "ERR-TIME": partial(_refused, codes=failures.TIME, how="for its time (1013)", watched_ms=0),
    "ERR-SIGN": partial(_refused, codes=failures.SIGN, how="for its signature (1004)"),
    "ERR-PERMANENT": partial(_refused, codes=failures.PERMANENT, how="for good (1106, 2010 and others)"),
    "ERR-UNSUPPORTED": partial(_refused, codes=failures.UNSUPPORTED, how="as unsupported (2003, 2008, 2009)"),
    "ERR-UNSUPPORTED-SCOPE": partial(
        _refused, codes=failures.UNSUPPORTED, how="as unsupported (2003, 2008, 2009)", watched_ms=0
    ),
}
"""The steps of each rule whose situation depends on what the client does; for others those of their group."""
