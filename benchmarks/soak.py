"""Many projects on one server, all rough, for minutes: is anything lost, mixed up or kept in memory?

A round is a day: records, claims and faults in every project, then calm, time to settle, a reconciliation, the books
(`soak_check`), and a reset. Every second project has a consumer, every second of these a native one; one project in ten
has the machine's clock. Memory is weighed at the same place of each round, and again with projects made anew after all
were deleted: what the allocator keeps is used again, so it must not grow. Exit 1 if the books do not agree.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

from benchmarks.figures import show
from benchmarks.processes import SERVE, Running, running
from benchmarks.soak_check import count, look, problems
from benchmarks.soak_client import Customer

WORKERS = 16
DEADLINE_S = 150
FULL_COLLECTION_S = 65
"""The server collects all of its garbage once a minute."""

CONSUMING = frozenset((*range(0, 20, 2), 19))
"""Which of twenty projects have a consumer; 9 and 19 have the machine's clock."""

LOOKS, LOOK_AGAIN_S = 10, 0.3
"""The machine's clock goes on while the books are read: what is not conserved must stay so to count."""

_SHOWN = 10


@dataclass(frozen=True)
class Plan:
    """How much."""

    projects: int
    rounds: int
    steps: int


def run(*, quick: bool) -> bool:
    """Measure and print; False if anything is not conserved."""
    plan = Plan(100, 2, 4) if quick else Plan(200, 5, 8)
    with running(SERVE) as server:
        return asyncio.run(Soak(plan, server, quick=quick).run())


class Soak:
    """One soak of one server."""

    def __init__(self, plan: Plan, server: Running, *, quick: bool) -> None:
        self._quick = quick
        self._plan = plan
        self._server = server
        self._customers = [Customer(number, server.exports["lab"]) for number in range(plan.projects)]
        self._counts: Counter[str] = Counter()
        self._problems: list[str] = []
        self._figures: list[tuple[str, int]] = []
        self._memory = [("before", server.rss_mb())]

    async def run(self) -> bool:
        """Work through the plan, or as far as time allows; then a last round with projects made anew."""
        began = perf_counter()
        await self._open("projects made")
        rounds = 0
        while rounds < self._plan.rounds and perf_counter() - began < DEADLINE_S:
            await self._round(rounds)
            rounds += 1
            self._weigh(f"after {rounds} rounds")
            await self._each(Customer.reset)
        await self._each(Customer.close)
        self._weigh("projects deleted")
        seconds, self._figures = perf_counter() - began, list(self._count_up())
        if not self._quick:
            await asyncio.sleep(FULL_COLLECTION_S)
            self._weigh("a minute later")
        await self._open("made again")
        await self._round(rounds)
        self._weigh("after a round of these")
        await self._each(Customer.close)
        self._show(rounds, seconds)
        return not self._problems

    async def _open(self, when: str) -> None:
        await self._each(lambda customer: customer.open(consuming=customer.number % 20 in CONSUMING))
        self._weigh(when)

    async def _round(self, number: int) -> None:
        await self._each(lambda customer: customer.begin(number))
        for _ in range(self._plan.steps):
            await self._each(Customer.work)
        for stage in (Customer.calm, Customer.settle, Customer.reconcile, Customer.settle, self._check):
            await self._each(stage)

    async def _check(self, customer: Customer) -> None:
        told = await look(customer)
        for _ in range(0 if customer.virtual else LOOKS):
            if not problems(customer, told):
                break
            await asyncio.sleep(LOOK_AGAIN_S)
            told = await look(customer)
        self._counts += count(told) + Counter({"records": len(customer.kept), "pending": told.pending["messages"]})
        self._problems += problems(customer, told)

    async def _each(self, stage: Callable[[Customer], Awaitable[None]]) -> None:
        """Let the workers take every customer through a stage."""
        waiting = list(self._customers)

        async def work() -> None:
            while waiting:
                await stage(waiting.pop())

        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(work())

    def _weigh(self, when: str) -> None:
        self._memory.append((when, self._server.rss_mb()))

    def _show(self, rounds: int, seconds: float) -> None:
        title = f"{len(self._customers)} projects, {rounds} rounds, {WORKERS} workers, {seconds:.0f} s"
        show(title, ("", "", "a second"), [(name, f"{n:,}", f"{n / seconds:,.0f}") for name, n in self._figures])
        kinds = sorted(name.removeprefix("fault ") for name in self._counts if name.startswith("fault "))
        print(f"  {len(kinds)} kinds of fault: {', '.join(kinds)}")
        show("resident memory of the server", ("", "MB"), [(when, f"{size:.1f}") for when, size in self._memory])
        print(f"\n{len(self._problems)} violations of conservation", *self._problems[:_SHOWN], sep="\n  ", flush=True)

    def _count_up(self) -> Iterator[tuple[str, int]]:
        """The rows of the table, as the histories and the clients tell them."""
        clients = sum((each.tally for each in self._customers), Counter[str]())
        inboxes = sum((each.inbox.tally for each in self._customers if each.inbox), Counter[str]())
        yield "syncs sent", clients["sent"]
        yield "  answered well, at last", clients["answered"]
        yield "  given up", clients["given up"]
        yield "  no answer, or one that cannot be read", clients["no answer"] + clients["garbled"]
        yield "records", self._counts["records"]
        yield "messages published", self._counts["message.published"]
        yield "  delivered", self._counts["message.delivered"]
        yield "  acknowledged", self._counts["message.acknowledged"]
        yield "  pending", self._counts["pending"]
        yield "publications lost by a fault", self._counts["record.lost"]
        yield "refused by consumers", inboxes["refused"]
        yield "connections closed on consumers", inboxes["connections lost"]
        yield "faults struck", self._counts["fault"]
