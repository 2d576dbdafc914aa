"""When the garbage collector looks at everything: once a minute, not every few thousand requests.

A server keeps a history and a queue on purpose, some hundred thousand objects. Python's own rule walks through all of
them each time that a quarter has been added, and nothing is answered for 100 ms and more. What dies young is still
found at once; only a cycle that has grown old waits for the next full pass.
"""

import asyncio
import gc

FULL_PASS_S = 60.0

_YOUNG = 2_000
_NEVER = 1_000_000


def tame_collector(loop: asyncio.AbstractEventLoop) -> None:
    """For a process that does nothing but serve. What is there already (code, the seed) is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    loop.call_later(FULL_PASS_S, _full_pass, loop)


def _full_pass(loop: asyncio.AbstractEventLoop) -> None:
    gc.collect()
    loop.call_later(FULL_PASS_S, _full_pass, loop)
