"""The schedule of the garbage collector in a server: a full collection once a minute.

A server keeps much in memory. By default Python traverses all of it each time that a quarter as much has been added,
and no request is answered meanwhile (docs/serving.md has figures). What is stored in great numbers is of structs that
no collection looks at; the rest waits for a full one, but for what reference counts free at once, which is most.
"""

import asyncio
import gc

FULL_PASS_S = 60.0
"""Seconds between full collections: one pause a minute, and at most a minute's cyclic garbage."""

_YOUNG = 2_000
"""The allocations, less deallocations, after which young objects are collected. 700 is the default of CPython 3.11."""

_NEVER = 1_000_000
"""A threshold of older generations, in collections of the next younger one, that is not reached within a minute."""


def schedule_full_collections(loop: asyncio.AbstractEventLoop) -> None:
    """Schedule full collections on the loop. For a process that only serves: the settings hold for all of it.

    Objects that exist already (modules, the seed) are frozen: never traversed again, and never freed if in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    loop.call_later(FULL_PASS_S, _full_pass, loop)


def _full_pass(loop: asyncio.AbstractEventLoop) -> None:
    gc.collect()
    loop.call_later(FULL_PASS_S, _full_pass, loop)
