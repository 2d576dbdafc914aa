"""Why mutants survive: for each place of the rules with survivors, what its surviving changes have in common.

A place that is not here has not been looked at yet, and `docs/mutants.md` says so.
"""

from collections.abc import Mapping

EDGE = "Only the very millisecond, entry or record at the bound would be judged otherwise, and nothing depends on it."

WORDS = "Only the words, or at which entry of the history, and how often, a breach is told."

NUMBERS = "Equivalent: what is compared has an entry each, and no two entries of a history have one number."

ACTS = (
    "Equivalent: an act has the number of the entry before it, which is never the request itself: what a call asks, or"
    " its answer, is written at once behind it."
)

IN_PROCESS = (
    "Only processes reach it, and the correct clients are played in process: no run holds when the rule counts as"
    " exercised. It can accuse nobody; it could call a rule passed that was not exercised."
)

SURVIVORS: Mapping[str, str] = {
    "security._retries": EDGE,
    "security._signed_wrongly": (
        "Harmless: a call with a body needs a token, and a call without a body got that first. Whoever signs no call"
        " well is refused there."
    ),
    "security._sent_again": ("Harmless: a call without a signature is refused, which breaks the same rule."),
    "security._is_stale": (f"Harmless: a time that is no number is refused, as one out of range is. {EDGE}"),
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
        "Which claims count as tempted decides over who is accused only where no wrong counter explains the claims,"
        " which counting.no_lie asks first."
    ),
    "counting._is_lie": (
        "As counting._tempted; a lot that agrees with a claim outside the bracket is what the known-bad client brings"
        f" about. {EDGE}"
    ),
    "counting.DISAGREEMENTS": (
        "The known-bad client lies after three contradictions, and no client of ours lies sooner: with a lower "
        "bound nobody else is accused."
    ),
    "windows_revisits.revisit": (f"{NUMBERS} The sum is in the words only."),
    "errors_passing.left": WORDS,
    "errors_passing.first": WORDS,
    "errors_passing.hasty": WORDS,
    "errors_passing.partial": WORDS,
    "errors_passing._deaths": ACTS,
    "errors_passing._hourly": WORDS,
    "errors_passing._span": "Equivalent: a row without failures lasts no hour, whether 0 or 1 ms stands for that.",
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
        "Equivalent: the history has only the endpoint's own fields of a body, in any spelling (`_known` in"
        " mock_server/wire/sync_asked.py)."
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
    "form._json_fault": ("Equivalent: who signs no call without a body well gets no token, and sends no body."),
    "form.AT_ONCE_MS": (
        "It only says whether an info-rule was exercised: a catch-up of our clients takes less than five minutes."
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
    "evidence.storage.explained": (
        "As evidence.storage._of_claims: each known-bad client has one defect, which explains every shortage or none."
    ),
    "receiving._died_of": "Only how many breaches are told.",
    "receiving._left": "Only the words.",
    "receiving.nack": (
        "It only says whether the rule was exercised: in each run with a damaged message others came behind it "
        "and were acknowledged."
    ),
    "receiving._stuck": NUMBERS,
    "receiving.ask_again": (
        "A should-rule: a client of ours that acknowledges what is damaged has not read it; a message that is "
        "damaged and torn is drawn in no case."
    ),
    "receiving.cumulative": (
        "Fairness towards clients that leave or refuse a message for a reason: no correct client of ours passes "
        "over any, so that the list is empty before it is filtered. tests/contracts/rules/test_receiving.py holds"
        " the kinds that are told apart before."
    ),
    "receiving._is_among_others": (
        "It only says whether the rule was exercised: each of these is so in every run with a batch."
    ),
    "receiving.ack_duplicates": (
        "It only says whether the rule was exercised; and no correct client of ours leaves a known record"
        " unacknowledged, for good or for a while."
    ),
    "receiving._other_names": "Only at which entry the breach is told; one topic has subscriptions in each run.",
    "receiving._never_back": WORDS,
    "receiving.tolerant": (
        "Which records can have been lost for their unknown fields: no correct client lacks one, and the known-"
        "bad client refuses them all."
    ),
    "receiving.foreign": "It only says whether the rule was exercised.",
    "receiving._would_show": ("It only says whether the rule was exercised."),
    "receiving._is_like": "Equivalent: a lot without sync is sent no claim.",
    "receiving._over_claims": (
        f"Only claims that are too high are there where a stranger's records are counted. {EDGE}"
    ),
    "receiving._like": "As receiving._over_claims.",
    "receiving._under_others": (
        "No client of ours stores a record under a lot of its own id by chance; two lots of strangers with one "
        "record are drawn in no case."
    ),
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
    "evidence.acknowledgements._shows_at": (
        "As evidence.acknowledgements._passed_over, and at which entry it is told."
    ),
    "evidence.acknowledgements.never_taken": "Which kinds are looked at: the known-bad clients refuse one kind only.",
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
    "evidence.storage.out_of_order": (
        "Which records came out of order matters only where one is missing, which is so in no correct client."
    ),
    "evidence.storage.exits_before_entries": (f"It only says whether REC-ORDER was exercised. {EDGE}"),
    "evidence.storage.FEW": "Only the words.",
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
    "times.skewed_lot": (
        "The known-bad client is wrong about each record that is ahead of now and about no other; what it stores and"
        " what it claims shows the same."
    ),
    "times._is_ahead": (f"Messages about records that are ahead of now come once in our scenarios. {EDGE}"),
    "times._is_clamped": "The known-bad client moves the time to now, which each of the conditions shows.",
    "times.leap_second": "An info-rule: the message with a second 60 comes once, or is answered each time.",
    "times.YEAR": "Times in another unit are decades away.",
    "times.NEAR": "Zones are hours apart, and clocks of correct clients are right to the minute.",
    "windows._longest_silence": "Equivalent: 0 and 1 ms are both less than the day that a silence has to last.",
    "windows._seq_at": WORDS,
    "windows._claims_zero_beside_records": (
        "Equivalent: the brackets are made from the claims, one for each, so that both are equally many."
    ),
    "windows._boundary_breach": WORDS,
    "converging._unequal_breach": WORDS,
    "converging._triggered_breach": WORDS,
    "converging._endless_breach": WORDS,
    "converging._asked_in_vain": "Equivalent: a call that the client saw succeed has an answer.",
    "converging._fruitless": (
        "Equivalent: it only saves looking at lines of which the lot has deleted nothing, where _is_hopeless finds no"
        " claim."
    ),
    "errors_lasting._was_refused": "Equivalent: a call without an answer has no code.",
    "errors_lasting._hasty_tokens": WORDS,
    "errors_lasting._never_again": "Equivalent: `judged` takes a rule with a breach for exercised.",
    "errors_lasting.sign": "Equivalent: calls of a path of which none was refused so exercise nothing.",
    "errors_lasting.permanent": (
        f"Equivalent: claims of a cell of which none was refused so exercise nothing. {WORDS}"
    ),
    "errors_lasting._is_asked": (
        "Equivalent: the call with that number was to the lot without the command, and only other lots are asked for."
    ),
    "errors_lasting._is_needed": (
        "Equivalent: the call with that number was to the lot without the command, and only other lots are asked for."
    ),
    "evidence.claims.Flow.news": "Equivalent: the deliveries of a flow are of records (`repeats` finds them by these).",
    "evidence.claims.at_lot": NUMBERS,
    "evidence.claims._question": (
        "Equivalent: a record that had come before the claim counts as arrived, and no rule asks about a question that"
        f" is not open. {ACTS}"
    ),
    "evidence.claims.claims_about": NUMBERS,
    "evidence.claims._is_delivered": NUMBERS,
    "evidence.claims.spare_ms": "Equivalent: the rules compare it with two days, for which 0 and 1 ms are too little.",
    "evidence.claims.lag_ms": (
        "Equivalent: CONV-OTHERS alone asks, up to the time of a claim, so that there is one and the default not used."
    ),
    "evidence.claims.was_disturbed": ACTS,
    "evidence.claims.amid": NUMBERS,
    "evidence.claims._is_awaited": NUMBERS,
    "evidence.claims.triggered": (
        f"Equivalent: within a second after one of the messages is within a second after the last, or before. {NUMBERS}"
    ),
    "evidence.claims.is_answered_at_once": NUMBERS,
    "evidence.claims.NEVER": "Equivalent: each of the three is behind every entry.",
    "evidence.coverage.hindrance": "Only the words that say why a rule was not exercised.",
    "evidence.coverage._steadiness": f"Only the words that say why a rule was not exercised. {NUMBERS}",
    "evidence.coverage.owed": (
        "Equivalent for breaches: time of no length, or of one millisecond, has no hole. It could say only that"
        " WIN-NO-GAP was exercised where that one millisecond is owed."
    ),
    "evidence.coverage._owed": "Equivalent: it stands for no time, and 0 and 1 ms after 1970 are before every start.",
    "evidence.coverage.FOR_EVER": "Equivalent: each of the three is after every run.",
    "evidence.encryption._is_looked_at": (
        "A claim has never the number of an acknowledgement. A dump has, if nothing happened between both: the client"
        " is then not known to have read nothing, and is judged as if it could read."
    ),
    "evidence.errors._told_failure": (
        "Equivalent: UNSURE and SUCCESS are the same to `_went_through`, which alone asks for them; and each fault of"
        " GARBLING garbles what goes out, if anything does."
    ),
    "evidence.errors.with_unknown_code": "Equivalent: a call without a code was not REFUSED.",
    "evidence.errors.any_of": (
        "Not judged: it makes the checks when the module is imported, before a mutant is in place."
    ),
    "evidence.errors.how": WORDS,
    "evidence.errors.is_part": (
        "Equivalent: the claim is the last of its own cell, so that none of it is later; and of the last two claims of"
        " another cell the last is later if one is."
    ),
    "evidence.errors.may_stop": "Equivalent: None is in no set of codes.",
    "evidence.errors._prompted": ACTS,
    "evidence.renewals.renewed": NUMBERS,
    "evidence.requests._was_passed_over": NUMBERS,
    "evidence.requests._requests": NUMBERS,
    "evidence.requests._is_held": NUMBERS,
    "times_windows._days": "Equivalent: a run without entries has no windows.",
    "times_windows.dst_breaches": WORDS,
    "times_windows._in_force": ACTS,
    "times_windows.skew_breaches": (
        "Equivalent: no hole is longer than the millisecond by which windows join up and as short as such a jump."
    ),
    "times_windows._gaps_at": WORDS,
    "times_windows._is_at_jump": ACTS,
    "times_windows._steps_over": (
        f"{ACTS} The default stands for a line that was not asked about before: 0 and 1 ms after 1970 are long ago."
    ),
    "times_windows.step_breaches": ACTS,
}
