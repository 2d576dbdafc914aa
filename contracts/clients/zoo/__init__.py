"""The zoo: known-bad clients, each the reference client with one defect that breaks one rule.

Each module has the clients for one group of rules; importing it enters them into `ZOO`.
"""

from contracts.clients.zoo import (
    concurrency,
    converging,
    counting,
    days,
    durability,
    fields,
    form,
    giving_up,
    identity,
    native,
    process,
    receiving,
    security,
    times,
    volume,
    windows,
)
from contracts.clients.zoo import (
    errors as failing,
)
from contracts.clients.zoo.registry import ZOO, KnownBadClient, breaks

__all__ = ["ZOO", "KnownBadClient", "breaks"]

GROUPS = (
    *(form, windows, counting, receiving, converging, failing, security, times, process),
    *(days, identity, fields, volume, durability, giving_up, concurrency, native),
)
