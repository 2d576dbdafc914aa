"""Rules of counting: the number of records that a client claims for a cell."""

from collections.abc import Iterator

from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis import wrong_identities as identities
from contracts.diagnosis.explain import differs, explaining, fits
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.rules.base import Breach, Level, Outcome, RuleBook, RuleCheck, Source, judged
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import Delivery
from mock_server.history.story import how_many
from mock_server.words import cell_text, range_text

RULES = RuleBook("Counting")

NAMES_SHOWN = 5

DISAGREEMENTS = 3
"""After this number of truthful claims of a cell that the lot found unequal, a client may be tempted to claim the lot's
own count."""

REDELIVERIES = 20
"""A message that is unreadable after this number of redeliveries will stay so: the client must set it aside."""


def not_counting_like(*wrong: WrongCounter, exercised_by: WrongCounter | None = None) -> RuleCheck:
    """The check of a rule against some wrong counters.

    Exercised if one of them (or `exercised_by`, if given) would have claimed another number. Broken if one of them
    explains every claim of the run, and a claim is outside its count bracket.
    """

    def check(run: Run) -> Outcome:
        exercised = any(differs(run, counter) for counter in ([exercised_by] if exercised_by else wrong))
        found = explaining(run, wrong)
        return judged(exercised, () if found is None else (_counted_like(run, found),))

    return check


def _counted_like(run: Run, counter: WrongCounter) -> Breach:
    claim, low, high = run.off_bracket[0]
    return Breach(f"{off_text(run, claim, low, high)}: the client {counter.name}", claim.seq)


def off_text(run: Run, claim: Claim, low: int, high: int) -> str:
    """A claim outside its count bracket in words, with the numbers that were right and the records delivered."""
    there = [record.name for record in run.in_cell(claim.cell) if record.delivered_before(claim.seq)]
    more = ", ..." if len(there) > NAMES_SHOWN else ""
    names = f" ({', '.join(there[:NAMES_SHOWN])}{more})" if there else ""
    return f"claimed {claim.claimed} for {cell_text(claim.cell)}, where {range_text(low, high)} was right{names}"


@RULES.rule(
    "CNT-TRUTH",
    "must",
    "documented",
    statement="A claimed count is the number of distinct records of the cell that are stored just before it is sent.",
    why="The lot compares it with its own: any other number makes it report for nothing, or be silent about a loss.",
    spares="A count made before what arrives during the call, or after it: any number from what was "
    "acknowledged before the verb to what had been delivered counts as true.",
)
def truth(run: Run) -> Outcome:
    """Every claim lies in its count bracket: between the records acknowledged and the records delivered."""
    return judged(
        any(low for low, _ in run.brackets),
        (Breach(off_text(run, claim, low, high), claim.seq) for claim, low, high in run.off_bracket),
    )


def _against(
    rule_id: str,
    *wrong: WrongCounter,
    statement: str,
    why: str,
    level: Level = "must",
    source: Source = "derived",
    exercised_by: WrongCounter | None = None,
    spares: str = "",
) -> None:
    check = not_counting_like(*wrong, exercised_by=exercised_by)
    RULES.rule(rule_id, level, source, statement=statement, why=why, spares=spares)(check)


_against(
    "CNT-RECORD-ID",
    identities.DELIVERIES,
    statement="A record counts once, however often it was delivered.",
    why="The queue delivers at least once. A count of deliveries grows with every re-report and never comes to rest.",
    spares="Storing every delivery and counting distinct ids. Broken only where counting deliveries explains "
    "every claim.",
)
_against(
    "CNT-NOT-MSG-ID",
    identities.MESSAGE_IDS,
    statement="Records are told apart by their record id, not by the broker's message id.",
    why="A re-report is a new message about the same record: counted by message id it is one more each time.",
    spares="Keeping message ids beside the record ids. Broken only where counting those explains every claim.",
)
_against(
    "CNT-NOT-COARSE",
    identities.PLATES,
    identities.ONE_ROW_A_PLATE,
    identities.PLATES_BY_MINUTE,
    identities.ONE_ROW_A_PLATE_AND_MINUTE,
    *identities.IDS_ALIKE,
    *identities.PLATE_AND_TIME,
    identities.DOUBLE_READINGS,
    statement="Records with different record ids are counted apart, even those of one plate in one minute.",
    why="A vehicle may come, go and come again within a minute. The lot counts each pass, and will never agree.",
    spares="Any further index by plate or time. Broken only where such a key explains every claim.",
)
_against(
    "CNT-DIRECTION",
    counters.BOTH_DIRECTIONS,
    counters.OTHER_DIRECTION,
    source="documented",
    statement="Entering and leaving passes are counted apart: direction 0 is enter, 1 is leave.",
    why="The lot compares each direction. Counted together, a record too few on one side hides one on the other.",
    spares="Both directions in one table, or one request. Broken only where counting them together explains "
    "every claim.",
)
_against(
    "CNT-TYPE",
    counters.BILLS_WITH_PASSES,
    counters.LEAVING_AS_BILLS,
    counters.BILLS_AS_LEAVING,
    *identities.ID_OVER_TYPES,
    source="documented",
    statement="Passes and bills are counted apart.",
    why="Not every leaving vehicle pays, and some pay more than once: one number cannot stand for the other.",
    spares="Both types in one table. Broken only where counting them together explains every claim.",
)
_against(
    "CNT-DEVICE",
    counters.WHOLE_PROJECT,
    *identities.ID_OVER_LOTS,
    statement="Each lot's records are counted apart.",
    why="One project has many lots and one queue. A lot compares with its own records alone.",
    spares="All lots in one table. Broken only where counting them together explains every claim.",
)
_against(
    "CNT-EVENT-TIME",
    counters.ARRIVAL,
    counters.FIRST_ARRIVAL,
    counters.MESSAGE_TIME,
    counters.BY_ENTER_TIME,
    counters.BY_LEAVE_TIME,
    counters.IN_ITS_DAY,
    counters.IN_ITS_MONTH,
    counters.NOT_THE_LAST_MINUTE,
    statement="A record counts in the window of the time that is in it, whenever it arrives.",
    why="Messages come late. Counted by arrival, a late record is missing in its window and too many in the next.",
    spares="Keeping the time of arrival too. Broken only where counting by it explains every claim.",
)
_against(
    "CNT-REREPORT-TIME",
    counters.REREPORT_TIME,
    statement="A re-reported record counts in its original window.",
    why="Only the message is new. Counted by its time the record never fills the gap that it was sent for.",
    spares="As CNT-EVENT-TIME, of re-reported records.",
)
_against(
    "CNT-NO-FILTER",
    counters.NO_PLATE,
    counters.ZERO_FEE,
    counters.UNPAID,
    counters.UNKNOWN_ENUM,
    counters.NO_SUBSCRIBERS,
    counters.NO_UNLICENSED,
    statement="Every record counts: without a plate, with nothing to pay, on a white list, with an unknown kind.",
    why="The lot counts them all. Whatever is left out is reported again after every sync.",
    spares="Marking such records, or leaving them out of what people see. Broken only where leaving them out "
    "of the count explains every claim.",
)
_against(
    "CNT-FRESH",
    counters.CACHED,
    statement="A count is made anew for each sync.",
    why="A count that was kept knows nothing of what the re-report has brought: the lot reports it again for ever.",
    spares="A cache that is updated with the store. Broken only where a count that was kept explains every claim.",
)
_against(
    "CNT-CORRECTION",
    identities.CORRECTIONS,
    identities.FIRST_VERSION,
    statement="A newer version of a record takes the place of the older one: it is no second record.",
    why="Lots correct plates and send the record again under its record id. They count it once.",
    spares="Keeping every version, if one is counted. Broken only where counting versions explains every claim.",
)
_against(
    "CNT-SNAPSHOT",
    *counters.LATE,
    level="should",
    source="practice",
    statement="Counts are made where records are written, not in a copy that follows later.",
    why="A lagging copy lacks what has been acknowledged already: the lot reports records that are there.",
)
_against(
    "CNT-PAGING",
    *counters.PAGES,
    exercised_by=counters.PAGES[0],
    statement="A count has no upper limit: it covers every page of a long answer.",
    why="An hour of a busy lot has more records than a page. Cut off at its end, the count is too low for ever.",
    spares="Reading in pages of any length, if all are read. Broken only where the first page explains every claim.",
)


@RULES.rule(
    "CNT-QUARANTINE",
    "must",
    "derived",
    statement=f"A message that stays unreadable is set aside, after {REDELIVERIES} redeliveries at the most.",
    why="Refused for ever it never ends, and takes the place of messages that can be read.",
    spares="Setting a message aside at any delivery up to the twentieth, also at the first (REC-ASK-AGAIN is a "
    "should).",
)
def quarantine(run: Run) -> Outcome:
    """A message that is damaged is not redelivered without end; exercised where it was acknowledged in the end."""
    messages = _unreadable(run)
    is_set_aside = any(each[-1].acked_seq is not None for each in messages)
    return judged(is_set_aside, (breach for each in messages for breach in _mistreated(each)))


def _unreadable(run: Run) -> list[list[Delivery]]:
    """The damaged deliveries of each message about a record, up to its first undamaged one."""
    found: dict[str, list[Delivery]] = {}
    whole: set[str] = set()
    for each in run.deliveries:
        if each.record is None or each.torn or each.message_id in whole:
            continue
        if not each.damaged:
            whole.add(each.message_id)
        else:
            found.setdefault(each.message_id, []).append(each)
    return list(found.values())


def _mistreated(deliveries: list[Delivery]) -> Iterator[Breach]:
    last = deliveries[-1]
    name = last.record.name if last.record else ""
    if last.redelivery_count > REDELIVERIES:
        text = f"let a message about {name} that stays unreadable come {how_many(last.redelivery_count + 1, 'time')}"
        yield Breach(f"{text}, instead of setting it aside", last.seq)


@RULES.rule(
    "CNT-NO-LIE",
    "must",
    "derived",
    statement="A count is never adjusted to what the lot seems to want.",
    why="The lot falls silent and the difference stays for ever, though nobody knows of it any more.",
    spares="A count that happens to be the lot's because something arrived meanwhile, or because it is always "
    "wrong in a way that is judged elsewhere.",
)
def no_lie(run: Run) -> Outcome:
    """After `DISAGREEMENTS` about true counts no claim is the lot's number, unless a wrong counter explains it."""
    tempted = [place for claims in run.once(_claims_by_cell).values() for place in _tempted(run, claims)]
    lies = [(run.claims[place], *run.brackets[place]) for place in tempted if _is_lie(run, place)]
    if lies and any(fits(run, counter) for counter in CANDIDATES):
        return Outcome(exercised=True)  # its counts are always wrong, so this one was not adjusted
    return judged(tempted, (_lie(run, *each) for each in lies))


def _claims_by_cell(run: Run) -> dict[object, list[int]]:
    """The positions of each cell's claims in `run.claims`."""
    found: dict[object, list[int]] = {}
    for place, claim in enumerate(run.claims):
        found.setdefault(claim.cell, []).append(place)
    return found


def _tempted(run: Run, places: list[int]) -> Iterator[int]:
    """The positions of claims after `DISAGREEMENTS` true ones that the lot found unequal, if its count is not true."""
    contradicted = 0
    for place in places:
        claim, (low, high) = run.claims[place], run.brackets[place]
        if claim.counted is None:
            continue
        if contradicted >= DISAGREEMENTS and not low <= claim.counted <= high:
            yield place
        contradicted += low <= claim.claimed <= high and not claim.equal


def _is_lie(run: Run, place: int) -> bool:
    claim, (low, high) = run.claims[place], run.brackets[place]
    return claim.equal and not low <= claim.claimed <= high


def _lie(run: Run, claim: Claim, low: int, high: int) -> Breach:
    return Breach(
        f"{off_text(run, claim, low, high)}: it is what the lot has, which had contradicted before", claim.seq
    )
