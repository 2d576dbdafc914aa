"""Acknowledgements on their way from a carrier to the queue, and the fault that strikes there."""

from mock_server.carriers.delivery import work_occasion
from mock_server.faults.catalogue import ACKNOWLEDGEMENT
from mock_server.faults.faults import Occasion, Strike
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.queue.subscription import Subscription


def acknowledge(project: Project, subscription: Subscription, consumer: Consumer, message_id: str) -> bool:
    """Acknowledge a message; whether it was news to the subscription, and is kept there."""
    strike = _strike(project, subscription, consumer, message_id)
    if strike is None:
        return subscription.acknowledge(consumer, message_id)
    _lose(project, subscription, consumer, [message_id], strike.value)
    return False


def acknowledge_up_to(project: Project, subscription: Subscription, consumer: Consumer, message_id: str) -> int:
    """Acknowledge a message and all before it; how many of them were news to the subscription, and are kept there."""
    strike = _strike(project, subscription, consumer, message_id)
    if strike is None:
        return subscription.acknowledge_up_to(consumer, message_id)
    lost = subscription.up_to(message_id)
    for occasion in (_occasion(subscription, consumer, each) for each in lost[:-1]):
        if occasion is not None:
            project.faults.tell(occasion, strike)
    _lose(project, subscription, consumer, lost, strike.value)
    return 0


def _strike(project: Project, subscription: Subscription, consumer: Consumer, message_id: str) -> Strike | None:
    """The fault that loses the acknowledgement of this message, if one does."""
    occasion = _occasion(subscription, consumer, message_id) if project.faults.active else None
    strikes = [] if occasion is None else project.faults.strike(occasion)
    return strikes[0] if strikes else None


def _occasion(subscription: Subscription, consumer: Consumer, message_id: str) -> Occasion | None:
    message = subscription.find(message_id)
    return None if message is None else work_occasion(ACKNOWLEDGEMENT, message, consumer.consumer_id)


def _lose(
    project: Project, subscription: Subscription, consumer: Consumer, message_ids: list[str], after_ms: int
) -> None:
    """Keep messages pending that the consumer takes for acknowledged: they take no room of it."""

    def again() -> None:
        subscription.redeliver(consumer, [each for each in message_ids if each in consumer.set_aside])

    subscription.set_aside(consumer, message_ids)
    project.clock.call_at(project.clock.now_ms() + after_ms, again, "redelivery after a lost acknowledgement")
