"""How fast a request is decided from a lease in memory: `python -m scripts.bench_lease`.

A pool over a service in this process's memory; every decision takes credit and captures it. Five runs, the
median of them; beside it how often the service was asked meanwhile.
"""

import statistics
import threading
import time
from collections.abc import Mapping, Sequence

from entitlement.client import CreditClient, LeaseAnswer, LeasePool, LeaseTerms
from entitlement.client.answers import Balance
from entitlement.client.json_values import as_whole
from entitlement.client.lease_answers import Lease
from entitlement.client.wire import BatchAnswer, Changing
from entitlement.core.units import NANO_USD_MAX, NanoUsd

RUNS = 5
DECISIONS = 200_000
THREADS = 4
KEYS = 1_000
COST = NanoUsd(1_000)
NANOSECONDS = 10**9


class RichService(CreditClient):
    """Grants every lease at once; what is measured is the client."""

    calls = 0

    def batch(self, operations: Sequence[Changing]) -> tuple[BatchAnswer, ...]:
        """Answer each with all that was asked for."""
        self.calls += len(operations)
        return tuple(_granted(each.fields or {}) for each in operations)


def _granted(fields: Mapping[str, object]) -> LeaseAnswer:
    amount, spent, ttl = (as_whole(fields.get(name)) or 0 for name in ("amount", "spent", "ttl"))
    lease = Lease(
        id="lease",
        amount=NanoUsd(amount + spent),
        spent=NanoUsd(spent),
        remaining=NanoUsd(amount),
        expires_at=0,
        expires_in=ttl,
        state="open",
        final=False,
        epoch=1,
        funded_by=(),
    )
    rich = NanoUsd(NANO_USD_MAX)
    return LeaseAnswer(lease, Balance(rich, NanoUsd(0), rich, NanoUsd(0), 1, 1, rich))


def decide(pool: LeasePool, keys: Sequence[str], decisions: int, nanoseconds: list[int]) -> None:
    """Time each decision: the hold and, apart from it, the capture that ends it."""
    clock, take, number = time.perf_counter_ns, pool.try_hold, len(keys)
    for count in range(decisions):
        began = clock()
        hold = take(keys[count % number], COST, None, None)
        nanoseconds.append(clock() - began)
        assert hold is not None, "the lease ran out: the pool did not renew it in time"
        hold.capture(COST)


def run(threads: int, keys: int) -> tuple[float, float, float, int]:
    """Return p50 and p99 of a decision in microseconds, pairs a second, calls to the service."""
    terms = LeaseTerms(amount=NanoUsd(10**13), amount_max=NanoUsd(10**14))
    names = [f"ent_{number:040d}" for number in range(keys)]
    with RichService("http://127.0.0.1", "token") as service, LeasePool(service, terms) as pool:
        for name in names:
            pool.hold(name, COST).release()
        timed: list[list[int]] = [[] for _ in range(threads)]
        before = service.calls
        each = DECISIONS // threads
        workers = [
            threading.Thread(target=decide, args=(pool, names, each, timed[n])) for n in range(threads)
        ]
        began = time.perf_counter_ns()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        took = time.perf_counter_ns() - began
        calls = service.calls - before
    every = sorted(nanoseconds for part in timed for nanoseconds in part)
    median, late = every[len(every) // 2], every[len(every) * 99 // 100]
    return median / 1_000, late / 1_000, len(every) * NANOSECONDS / took, calls


def main() -> None:
    """Print the figures."""
    print(f"{DECISIONS:,} decisions a run, {RUNS} runs; a pair is a decision and its capture")
    for threads, keys in ((1, 1), (1, KEYS), (THREADS, 1), (THREADS, KEYS)):
        runs = [run(threads, keys) for _ in range(RUNS)]
        median, late, rate = (statistics.median(each[column] for each in runs) for column in range(3))
        calls = max(each[3] for each in runs)
        print(
            f"{threads} threads, {keys:>5,} keys: decision p50 {median:.2f} us, p99 {late:.2f} us; "
            f"{rate:,.0f} pairs/s; at most {calls} calls to the service in a run"
        )


if __name__ == "__main__":
    main()
