"""Whether a client read anything of what came in a run: many read one of the two encryptions of messages only."""

from contracts.rules.evidence.requests import asked_again
from contracts.run.run import Run
from mock_server.history.index import Delivery
from mock_server.profile import Profile

UNREAD = "the client read no message that was encrypted by {}: what your own cloud sends can be said by `--profile`"


def is_about_records(rule_id: str) -> bool:
    """Whether a rule is about what a client has read: nothing can be said of it where it has read nothing."""
    if rule_id in ("REC-ENCRYPTION", "REC-RECONNECT"):
        return False
    return rule_id.partition("-")[0] in ("CNT", "REC", "CONV", "TIME") or rule_id in ("WIN-BOUNDARY", "SEC-TAMPER")


def unread(run: Run) -> list[Delivery]:
    """The first intact delivery of each message, if nothing shows that the client has read any of them; else none.

    That a client has nothing does not show why. So it must have refused some of them and acknowledged none when they
    first came, as one does with what cannot be decrypted; or it is not the usual encryption, and the client had nothing
    after it had acknowledged them.
    """
    if any(dump.records for dump in run.dumps) or any(claim.claimed > 0 for claim in run.claims):
        return []
    plain = [each for each in run.deliveries if each.readable and not each.faults]
    found = [*{each.message_id: each for each in reversed(plain)}.values()][::-1]
    is_taken = any(each.acked_seq is not None and not each.redelivery_count for each in found)
    asked = run.once(asked_again)
    if not is_taken and any(each.seq in asked for each in found):
        return found
    is_usual = run.profile.encryption == Profile().encryption
    return [] if is_usual else [each for each in found if _is_looked_at(run, each)]


def _is_looked_at(run: Run, delivery: Delivery) -> bool:
    """Whether the client showed its store, or its count, after it had acknowledged a message of its lots."""
    record, acked = delivery.record, delivery.acked_seq
    if record is None or acked is None or not run.takes_sync(delivery.device_id):
        return False
    dumps = [dump.asked_seq for dump in run.dumps]
    looks = dumps or [claim.seq for claim in run.claims if run.is_in(claim.cell, record)]
    return any(acked < seq for seq in looks)
