"""The schedule of the garbage collector in a server: a full collection once a minute.

A server keeps history and queue in memory, some hundred thousand objects. By default Python traverses all of them
each time that a quarter as many have been added, every few thousand requests, and no request is answered for 100 ms
and more. Measured with 16 connections: a p99 of 160 ms by default, 10 ms so (docs/serving.md). Reference counts free
most objects at once, and young collections go on; only cycles of old objects wait for the next full collection.
"""

import asyncio
import gc

FULL_PASS_S = 60.0
"""Seconds between full collections: one pause of 100 ms and more a minute, and at most a minute's cyclic garbage."""

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
