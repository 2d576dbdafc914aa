"""Why mutants survive: for each place of the rules with survivors, what its surviving changes have in common.

A place that is not here has not been looked at yet, and `docs/mutants.md` says so.
"""

from collections.abc import Mapping

EDGE = "Only the very millisecond, entry or record at the bound would be judged otherwise, and nothing depends on it."

IN_PROCESS = (
    "Only processes reach it, and the correct clients are played in process: no run holds when the rule counts as"
    " exercised. It can accuse nobody; it could call a rule passed that was not exercised."
)

SURVIVORS: Mapping[str, str] = {
    "process.single": (
        "Harmless: refused claims, and runs of one instance, have no two claims of a cell within a minute. "
        f"{IN_PROCESS}"
    ),
    "process._repeated": (
        "Harmless: no client puts a cell into one sync twice (FORM-UNIQUE judges that), and the known-bad client "
        "asks twice in the same moment, which any bound catches."
    ),
    "process.AT_ONCE": (
        "A gap, of a should-rule: no client asks twice between half a minute and two minutes, so that nothing "
        "holds the bound."
    ),
    "security._retries": EDGE,
    "security._signed_wrongly": (
        "Measured before the test of a call without a body, which holds that only calls with one are spared. The "
        "rest is harmless: a call with a body needs a token, and a call without a body got that first. Whoever "
        "signs no call well is refused there."
    ),
    "security._sent_again": (
        "Measured before the test of a fresh nonce, which holds that one call is no repeat. The rest is harmless:"
        " a call without a signature is refused, which breaks the same rule."
    ),
    "security._is_stale": (
        "Measured before the tests began at a time other than 0, which holds the pause. The rest is harmless: a "
        "time that is no number is refused, as one out of range is. "
        f"{EDGE}"
    ),
    "security.tamper": "Equivalent: the same is asked of each record by _is_tempted.",
    "security._is_tempted": (
        "It only says whether SEC-TAMPER was exercised: in each run with damaged messages some record has come in"
        " damaged ones only, so that it is exercised either way."
    ),
    "security._is_tempting": (
        "It only says whether SEC-TAMPER was exercised; a message that is damaged and torn is drawn in no case."
    ),
    "security._only_damaged": (
        "Equivalent for a client that stores what was delivered: without an intact message it can have a record "
        "only from a damaged one. "
        f"{EDGE}"
    ),
    "security._counted": EDGE,
    "security.secret": IN_PROCESS,
    "security.pii": IN_PROCESS,
    "counting.not_counting_like": (
        "Not judged: it makes the checks when the module is imported, before a mutant is in place."
    ),
    "counting._unreadable": (
        "Harmless: a message about no record, or torn, is set aside as any other by the clients of ours; once "
        "readable, a message does not become damaged again."
    ),
    "counting._mistreated": EDGE,
    "counting.no_lie": (
        "A gap in accuracy, not in sharpness: in our runs of correct clients with three contradictions some wrong"
        " counter explains every claim, which spares them before the other conditions are asked."
    ),
    "counting._tempted": (
        "The same: which claims count as tempted decides over who is accused only where no wrong counter explains"
        " the claims."
    ),
    "counting._is_lie": (
        "The same; a lot that agrees with a claim outside the bracket is what the known-bad client brings about. "
        f"{EDGE}"
    ),
    "counting.DISAGREEMENTS": (
        "The known-bad client lies after three contradictions, and no client of ours lies sooner: with a lower "
        "bound nobody else is accused."
    ),
    "windows_revisits.revisit": (
        "Which of several cells of a record is asked about first or last: each correct client goes back to all of"
        " them. "
        f"{EDGE}"
    ),
    "windows_revisits._is_late": (
        "Fairness towards clients that need not find a record: one that was corrected, removed, not lost or too "
        "soon or late for it, or is of a lot without sync. Every correct client of ours goes back to every "
        "window, and so keeps the rule also where it need not."
    ),
    "windows_revisits._could_revisit": (
        "The same: no correct client of ours leaves a window out because it was down or the run ended, as all go "
        "back within a day."
    ),
    "windows_revisits.horizon": (
        f"It only says whether the rule was exercised; the case of a month lasts long enough either way. {EDGE}"
    ),
    "windows_revisits._first_old": EDGE,
    "windows_revisits.span_1h": "Each client asks about something in each run, or about nothing.",
    "windows_revisits.REVISIT_WITHIN": (
        "Half is a cycle of one day, which every correct client of ours keeps; one that goes back every second "
        "day is allowed, and not among them: a gap in fairness."
    ),
    "windows_revisits.OLDEST": (
        "A gap: the known-bad client asks about windows of any age, and no client about one of two to four weeks."
    ),
    "errors_passing.left": "Only how many breaches are told.",
    "errors_passing.first": "Only how many breaches are told.",
    "errors_passing.hasty": (f"Only at which claim the breach is told. {EDGE}"),
    "errors_passing.partial": (
        "Only how many breaches are told, and whether the rule was exercised by a call of one cell: each run with"
        " a failed call of several cells has others too."
    ),
    "errors_passing._deaths": (f"Clients of ours die of the last answer that they got, or of none. {EDGE}"),
    "errors_passing.trouble": (
        "It only says whether the rule was exercised: a streak of more than three failures of our scenarios lasts"
        " over a minute. "
        f"{EDGE}"
    ),
    "errors_passing.offline": (
        "It only says whether the rule was exercised: a lot of our scenarios that is off line is so for hours, "
        "and is asked again after it. "
        f"{EDGE}"
    ),
    "errors_passing._hourly": (
        "Fairness towards a client that tries often in the first hour only: the limit of tries a minute holds it "
        "there too, and no client of ours stays between both. "
        f"{EDGE}"
    ),
    "errors_passing._span": (f"As errors_passing.offline. {EDGE}"),
    "form.is_object": "Equivalent: an entry with a raw value is one that could not be read as a cell.",
    "form.path": (
        f"It only says whether the rule was exercised: the lots of our scenarios are asked after they reported. {EDGE}"
    ),
    "form._path_fault": (
        "Harmless: no other path of the vendor's is answered with 1108 here, and a device id with a slash is of "
        "no device (the next check)."
    ),
    "form._used_keys": "Equivalent: the callers ask for bodies that are objects only.",
    "form._case_breaches": (
        "Harmless: a further field of a client's own, which no client of ours sends, would be called odd. A gap "
        "in fairness that FORM-TYPES names: any number of further fields is allowed."
    ),
    "form.case_adapts": "Each client of ours asks about something.",
    "form._unadapted": (
        "Equivalent, as the rule is not exercised where both spellings are taken, and nothing is refused for its "
        "spelling there. "
        f"{EDGE}"
    ),
    "form._has_much_to_ask": (f"It only says whether an info-rule was exercised. {EDGE}"),
    "form.json_body": (
        "Equivalent: the first token call comes before the first sync, and is taken wherever a sync can be signed."
    ),
    "form._json_fault": "The same: who signs no call without a body well gets no token, and sends no body.",
    "form.AT_ONCE_MS": (
        "It only says whether an info-rule was exercised: a catch-up of our clients takes less than five minutes."
    ),
    "receiving_storage.persist_ack": (
        "It only says whether the rule was exercised: a gap, as no correct client crashes twice with nothing "
        "acknowledged before one of them."
    ),
    "receiving_storage._restarts": (
        "Equivalent: a client that is restarted is asked for one dump at the same moment, before which it has no "
        "other there."
    ),
    "receiving_storage._just_acked": (
        "Equivalent: a lot without sync reports as others do, and records of it are stored."
    ),
    "receiving_storage._is_just_acked": (
        "Equivalent: what is not acknowledged is compared with nothing in runs of clients that acknowledge all "
        "before a dump. "
        f"{EDGE}"
    ),
    "receiving_storage._is_lost": (
        "Fairness towards clients that store a record later or never: no correct client of ours leaves an "
        "acknowledged record out of a dump after a crash, so that nothing is asked further."
    ),
    "receiving_storage.upsert": (f"It only says whether the rule was exercised. {EDGE}"),
    "receiving_storage._stored_twice": "Only how many breaches are told.",
    "receiving_storage._changed": EDGE,
    "receiving_storage._is_another": "Equivalent: who changes a record of ours changes its content too.",
    "receiving_storage.no_replay_effect": (
        "It only says whether the rule was exercised, or concerns effects for records that no lot has, which no "
        "client of ours has."
    ),
    "receiving_storage._is_left_out": EDGE,
    "receiving_storage.order": (
        "Which of several explanations of a missing record is told: no correct client lacks one, and the known-"
        "bad ones have one defect each."
    ),
    "receiving_storage.old": (
        "The known-bad client stores nothing old and acknowledges it, so that the second part, of what is never "
        "acknowledged, is not needed for it. "
        f"{EDGE}"
    ),
    "receiving_storage.VERY_OLD_MS": (
        "It only says whether the rule was exercised: records of our scenarios are minutes old or days."
    ),
    "receiving_storage.JUST_MS": (
        "A longer time looks at more acknowledgements, and every correct client of ours has stored those too."
    ),
    "converging_cost.monotone": (
        "Fairness towards clients whose counts fall by a correction: they do in a run or two of ours, in cells "
        "that are not asked about again. A cell that was asked about once cannot fall."
    ),
    "converging_cost._falls": (
        "Fairness after a crash: every correct client of ours has stored what it claimed, so that nothing falls. "
        "That a fall is measured from the highest claim, and not from the first, no client needs."
    ),
    "converging_cost.resume": (
        "A client that keeps its plan asks about everything again within two days, and in a shorter run no time "
        "is left. "
        f"{EDGE}"
    ),
    "converging_cost.jitter": (
        f"A should-rule: our clients ask all lots at once or spread them well, none half of them. {EDGE}"
    ),
    "converging_cost._first_asks": EDGE,
    "converging_cost._is_plain": (
        "Fairness of two should-rules where calls fail or the client is restarted: such runs are shorter than six"
        " hours or have fewer than ten lots, where these rules are not exercised."
    ),
    "converging_cost._peak": "Only at which claim the breach is told.",
    "converging_cost.budget": (
        f"A should-rule: what makes it not exercised is held by one condition of three in our runs. {EDGE}"
    ),
    "evidence.stored_times.StoredTime.is_right": (
        "Which word a breach has. No verdict depends on it in our runs, where a wrong time is wrong in each record."
    ),
    "evidence.stored_times.StoredTime.off_ms": "A record without a time is not stored by any client of ours.",
    "evidence.stored_times.StoredTime.text": "Only the words.",
    "evidence.stored_times.stored_times": (
        "A record that is in a dump, of a lot that is asked or not, has the time of its message in every correct "
        "client. "
        f"{EDGE}"
    ),
    "evidence.stored_times.leap_deliveries": "It only says whether TIME-LEAP was exercised.",
    "evidence.stored_times.skews": (
        "A clock that jumps by nothing does not exist; the first jump of a run is the only one in our cases."
    ),
    "evidence.storage.names": "Only the words.",
    "evidence.storage._of_store": "Equivalent: a client stores records of lots without sync too.",
    "evidence.storage._of_claims": (
        "Which records may explain a claim that is too low: no correct client has one, and of the known-bad ones "
        "each has one defect. "
        f"{EDGE}"
    ),
    "evidence.storage.explained": "The same.",
    "receiving._died_of": "Only how many breaches are told.",
    "receiving._left": "Only the words.",
    "receiving.nack": (
        "It only says whether the rule was exercised: in each run with a damaged message others came behind it "
        "and were acknowledged."
    ),
    "receiving._stuck": (
        "Fairness at the end of a run: a message that came in its last minutes need not be acknowledged yet, and "
        "every correct client of ours has acknowledged by then. "
        f"{EDGE}"
    ),
    "receiving.ask_again": (
        "A should-rule: a client of ours that acknowledges what is damaged has not read it; a message that is "
        "damaged and torn is drawn in no case."
    ),
    "receiving.encryption": "It only says whether a should-rule was exercised.",
    "receiving.cumulative": (
        "Fairness towards clients that leave or refuse a message for a reason: no correct client of ours passes "
        "over any, so that the list is empty before it is filtered. tests/contracts/rules/test_receiving.py holds"
        " the kinds that are told apart before."
    ),
    "receiving._is_among_others": (
        "It only says whether the rule was exercised: each of these is so in every run with a batch."
    ),
    "receiving.ack_duplicates": (
        "The same; and no correct client of ours leaves a known record unacknowledged, for good or for a while."
    ),
    "receiving._shows_growth": (f"It only says whether the rule was exercised. {EDGE}"),
    "receiving._other_names": "Only at which entry the breach is told; one topic has subscriptions in each run.",
    "receiving._never_back": (
        "Fairness at the end of a run: a cut in its last quarter of an hour; the correct clients of ours are back"
        " in a minute. "
        f"{EDGE}"
    ),
    "receiving.tolerant": (
        "Which records can have been lost for their unknown fields: no correct client lacks one, and the known-"
        "bad client refuses them all."
    ),
    "receiving.foreign": "It only says whether the rule was exercised.",
    "receiving._would_show": "The same.",
    "receiving._is_like": "Equivalent: a lot without sync is sent no claim.",
    "receiving._over_claims": (
        f"Only claims that are too high are there where a stranger's records are counted. {EDGE}"
    ),
    "receiving._like": "The same.",
    "receiving._under_others": (
        "No client of ours stores a record under a lot of its own id by chance; two lots of strangers with one "
        "record are drawn in no case."
    ),
    "receiving.LONG_MS": "Every client of ours is back within minutes or never.",
    "evidence.acknowledgements.name_of": "Only the words.",
    "evidence.acknowledgements.oddity": (
        "Which kind a message is of decides over who is accused only where one was passed over, which no correct "
        "client does; the known-bad ones pass over all of a kind. "
        f"{EDGE}"
    ),
    "evidence.acknowledgements.passed_over": (
        "Equivalent: the value is a placeholder for 'no further copy', or the message is asked about again later."
    ),
    "evidence.acknowledgements._passed_over": (
        "Fairness at the end of a run, towards clients that acknowledge late: no correct client of ours leaves "
        "anything that long. "
        f"{EDGE}"
    ),
    "evidence.acknowledgements._shows_at": "The same, and at which entry it is told.",
    "evidence.acknowledgements.deaths": (
        "Which of several messages a client is said to have died of: the known-bad clients die of each message of"
        " a kind, and no correct one dies."
    ),
    "evidence.acknowledgements._is_held": "The same.",
    "evidence.acknowledgements.never_taken": "Which kinds are looked at: the known-bad clients refuse one kind only.",
    "evidence.acknowledgements.PATIENCE_MS": (
        "A gap in both directions: no client acknowledges after one to four minutes."
    ),
    "evidence.acknowledgements.DEATH_MS": (
        "A gap in both directions: clients of ours die of a message at once, and of nothing else beside it."
    ),
    "evidence.connections.connections": (
        "Which moments count for a client whose pauses go by real time, and for one that is refused when it comes"
        " back: only processes are waited for, and refused clients of ours come back later each time."
    ),
    "evidence.connections._change": "Equivalent in our runs: a consumer that connects is active at once.",
    "evidence.storage.is_looked_at": "It only says whether a rule was exercised.",
    "evidence.storage.is_taken": (
        "Fairness of a should-rule (REC-ASK-AGAIN) towards clients that have read a damaged message; the known-"
        "bad clients of SEC-TAMPER are the only ones that do."
    ),
    "evidence.storage.first_readable": (
        f"Equivalent where the first message about a record is readable and comes once, as in most runs. {EDGE}"
    ),
    "evidence.storage.seq_of_first_ack": (
        "It only says whether a rule was exercised, for a record that was acknowledged twice."
    ),
    "evidence.storage.age_ms": (
        "The age of a record at its first delivery or at a later one: only where both lie at different sides of "
        "ten minutes would it matter. "
        f"{EDGE}"
    ),
    "evidence.storage.is_old": EDGE,
    "evidence.storage.left_out": (
        "Which records a re-report has left out matters only where one is missing, which is so in no correct "
        "client. "
        f"{EDGE}"
    ),
    "evidence.storage.out_of_order": "The same, of the order.",
    "evidence.storage.exits_before_entries": (f"It only says whether REC-ORDER was exercised. {EDGE}"),
    "evidence.storage.OLD_MS": (
        "A gap: records of our scenarios are younger than five minutes or older than twenty, and so is what the "
        "known-bad client ignores."
    ),
    "evidence.storage.FEW": "Only the words.",
    "receiving._too_soon": (
        f"Measured before the test of constant pauses of half a minute, which holds the last condition since. {EDGE}"
    ),
    "receiving_storage._came_as_it_was": (
        "Fairness towards clients that change a stored record because another message about it was newer, or had "
        "more fields: measured before the test of a corrected record. No correct client of ours writes over a "
        "record otherwise."
    ),
    "times._units_of": (f"A bound that is a time in another unit is years away from now: nothing lies between. {EDGE}"),
    "times.whole_milliseconds": (
        "A client that stores times cut to the second stores each so, and its claims show the same: each of both "
        "is enough."
    ),
    "times._is_cut": (
        "Which word is told: a stored time that is wrong is wrong by its zone or by its form, which TIME-ZONE and"
        " TIME-RECORD-FORM tell in the same run, or is not stored."
    ),
    "times.zone": (f"It only says whether the rule was exercised: each of the conditions is enough. {EDGE}"),
    "times._ahead_of_now": (
        f"The known-bad client is hours ahead of UTC, and no correct one asks about a window that has not begun. {EDGE}"
    ),
    "times.record_form": (
        f"The known-bad clients misread every record; what they store and what they claim shows the same. {EDGE}"
    ),
    "times.skewed_lot": "The same, of records ahead of now: none of ours is wrong about others as well.",
    "times._is_ahead": (f"Messages about records that are ahead of now come once in our scenarios. {EDGE}"),
    "times._is_clamped": "The known-bad client moves the time to now, which each of the conditions shows.",
    "times.leap_second": "An info-rule: the message with a second 60 comes once, or is answered each time.",
    "times.YEAR": "Times in another unit are decades away.",
    "times.NEAR": "Zones are hours apart, and clocks of correct clients are right to the minute.",
    "windows.max24": (f"It only says whether the rule was exercised. {EDGE}"),
    "windows._longest_silence": "The same.",
    "windows.positive": "Measured before the test of a window that holds nothing, which holds the bound since.",
    "counting.REDELIVERIES": "Measured before the test of the twentieth redelivery, which holds both bounds since.",
    "errors_passing.FREE": (
        "Measured before the test of the very pauses that a rule names, which holds both bounds since."
    ),
    "errors_passing.TRIES_A_MINUTE": "As errors_passing.FREE.",
    "errors_passing.OFFLINE_TRIES_AN_HOUR": "As errors_passing.FREE.",
}
