"""Many projects on one server, all rough, for minutes: is anything lost, mixed up or kept in memory?

A round is a day: records, claims and faults in every project, then calm, time to settle, a reconciliation, the books
(`soak_check`), and a reset. Every second project has a WebSocket consumer, one in ten the machine's clock. Memory is
compared at the same place of a round, after half of the rounds and after all. Exit 1 if the books do not agree.
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

_SHOWN = 10


@dataclass(frozen=True)
class Plan:
    """How much."""

    projects: int
    rounds: int
    steps: int


def run(*, quick: bool) -> bool:
    """Measure and print; False if anything is not conserved."""
    plan = Plan(100, 2, 4) if quick else Plan(200, 10, 8)
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
        self._memory = [("before", server.rss_mb())]

    async def run(self) -> bool:
        """Work through the plan, or as far as time allows."""
        began = perf_counter()
        await self._each(lambda customer: customer.open(consuming=customer.number % 20 in CONSUMING))
        self._weigh("projects made")
        done = 0
        while done < self._plan.rounds and perf_counter() - began < DEADLINE_S:
            await self._round(done)
            done += 1
            if done in (self._plan.rounds // 2, self._plan.rounds):
                self._weigh(f"after {done} rounds")
            await self._each(Customer.reset)
        seconds = perf_counter() - began
        await self._each(Customer.close)
        await self._weigh_at_last()
        self._show(done, seconds)
        return not self._problems

    async def _round(self, number: int) -> None:
        await self._each(lambda customer: customer.begin(number))
        for _ in range(self._plan.steps):
            await self._each(Customer.work)
        for stage in (Customer.calm, Customer.settle, Customer.reconcile, Customer.settle, self._check):
            await self._each(stage)

    async def _check(self, customer: Customer) -> None:
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

    async def _weigh_at_last(self) -> None:
        """After the server's next full collection of garbage."""
        self._weigh("projects deleted")
        if not self._quick:
            await asyncio.sleep(FULL_COLLECTION_S)
            self._weigh("a minute later")

    def _weigh(self, when: str) -> None:
        self._memory.append((when, self._server.rss_mb()))

    def _show(self, rounds: int, seconds: float) -> None:
        title = f"{len(self._customers)} projects, {rounds} rounds, {WORKERS} workers, {seconds:.0f} s"
        show(title, ("", "", "a second"), [(name, f"{n:,}", f"{n / seconds:,.0f}") for name, n in self._figures()])
        faults = {name.removeprefix("fault "): n for name, n in self._counts.items() if name.startswith("fault ")}
        print(f"  faults: {', '.join(f'{name} {faults[name]:,}' for name in sorted(faults))}")
        show("resident memory of the server", ("", "MB"), [(when, f"{size:.1f}") for when, size in self._memory])
        print(f"\n{len(self._problems)} violations of conservation", *self._problems[:_SHOWN], sep="\n  ", flush=True)

    def _figures(self) -> Iterator[tuple[str, int]]:
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
