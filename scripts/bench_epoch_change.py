"""What a new epoch costs, with 10,000 to a million wallets that all have something due.

    PYTHONPATH=. .venv/bin/python scripts/bench_epoch_change.py [--wallets 10000,100000,1000000] [--events 10]

For each size, a database of its own with a position, an account, a day of books and `--events` events for
every wallet, and the service's own flows over it. Midnight passes, and then it is measured:

    midnight    what the follower's transaction does more than at any other time
    touch       the first hold, and the first look at a balance, of some hundred accounts
    sweep       the grants of all others, while another process goes on holding

The database is the embedded one with its own settings, flushes to the disk included.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.blocks import Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.holds import DEFAULT_TTL_SECONDS, HoldRequest
from entitlement.core.keys import NewKey, hash_secret
from entitlement.core.pro_rata import Policy, StakeChange
from entitlement.core.units import NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wallet, Wei
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_allowances import WALLETS_PER_PAGE, GrantAllowances, Rules
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import access, chain, pro_rata
from entitlement.store.schema import migrate
from entitlement.store.server import EmbeddedPostgres, engine
from entitlement.store.session import session_factory

SAMPLES = 300
PAGES = 5
"""Of the sweep; more takes long and says the same."""
EVENTS_PER_BLOCK = 100
PULSE = text("SELECT service_time()")
CAPACITY = Policy(NanoUsd(1_000_000 * NANO_USD_PER_USD), Wei(0))

INDEXES = text("""
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'events'::regclass AND contype IN ('p', 'u')
""")
OTHER_INDEXES = text("""
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'events' AND indexname NOT IN (SELECT conname FROM pg_constraint)
""")
EVENTS = """
    INSERT INTO events (block_hash, log_index, block_number, transaction_hash, kind, wallet, data)
    SELECT '0x' || lpad(to_hex(1 + n / :per_block), 64, '0'), n % :per_block, 1 + n / :per_block,
           '0x' || lpad(to_hex(n), 64, '0'), 'VvvStaked', '0x' || lpad(to_hex(n % :wallets), 40, '0'),
           '{"amount": 1000000000000000000}'
    FROM generate_series(0, :events - 1) AS n
"""
POSITIONS = """
    INSERT INTO positions (wallet, pending, vvv_unlocked, vvv_locked, vvv_cooling, rewards_claimed,
                           diem_minted, diem_staked, diem_cooling, diem_given, diem_received,
                           slot_epoch, slot_current, slot_next)
    SELECT '0x' || lpad(to_hex(n), 40, '0'), false, :each * CAST(1000000000000000000 AS numeric), 0, 0, 0, 0,
           5000000000000000000, 0, 0, 0, 0, 5000000000000000000, 5000000000000000000
    FROM generate_series(0, :wallets - 1) AS n
"""
ACCOUNTS = """
    INSERT INTO accounts (wallet, created_at, rate_until)
    SELECT '0x' || lpad(to_hex(n), 40, '0'), 0, 0 FROM generate_series(0, :wallets - 1) AS n
"""
BOOKS = (
    """
    INSERT INTO buckets (account_id, source, epoch, expires_at, granted, available, held, consumed, expired,
                         closed)
    SELECT id, 'diem', 1, 172800, 5000000000, 0, 0, 0, 5000000000, true FROM accounts ORDER BY id
    """,
    "SELECT make_week(0)",
    """
    INSERT INTO entries (epoch, key, kind, account_id, created_at, buckets, moves, amounts, lane, batch)
    SELECT 1, kind || ':' || id, kind, account_id, 0, ARRAY[id],
           ARRAY[CASE kind WHEN 'grant' THEN 'issued>available' ELSE 'available>expired' END],
           ARRAY[5000000000], 0, 1
    FROM buckets, unnest(ARRAY['grant', 'expire']) AS kind
    """,
)
"""A day before, granted to everybody and spent by nobody: a ledger that has been in use."""
Sessions = sessionmaker[Session]
Figures = dict[str, tuple[float, str]]
"""Each with its unit."""


def main() -> None:
    """Measure each size, and print the table as far as it is known."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--wallets", default="10000,100000,1000000")
    asked.add_argument("--events", type=int, default=10, help="of each wallet")
    asked.add_argument("--folder", default=None, help="where the databases are made, and deleted again")
    given = asked.parse_args()
    sizes = [int(each) for each in given.wallets.split(",")]
    console = Console(highlight=False, width=160)
    found: list[Figures] = []
    for size in sizes:
        with database(given.folder) as made:
            console.print(f"{size:,} wallets, {size * given.events:,} events: loading")
            started = time.perf_counter()
            load(made, wallets=size, each=given.events)
            console.print(f"  loaded in {time.perf_counter() - started:.0f} s; measuring")
            found.append(measure(made, wallets=size, each=given.events))
        console.print(as_table(sizes[: len(found)], given.events, found))


@contextmanager
def database(folder: str | None) -> Generator[Engine]:
    """A server of its own, so that no size warms another's memory."""
    with tempfile.TemporaryDirectory(prefix="entitlement-bench-", dir=folder) as name:
        Path(name).chmod(0o755)
        server = EmbeddedPostgres(Path(name) / "postgres")
        made = engine(server.url)
        try:
            migrate(made)
            yield made
        finally:
            made.dispose()
            server.stop()


# --- what there is before midnight ---------------------------------------------------------------------


def load(made: Engine, *, wallets: int, each: int) -> None:
    """Write positions, accounts and events; the events' indexes are made afterwards, which is faster."""
    with made.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        constraints = connection.execute(INDEXES).all()
        others = connection.execute(OTHER_INDEXES).all()
        for name, _ in constraints:
            connection.execute(text(f"ALTER TABLE events DROP CONSTRAINT {name}"))
        for name, _ in others:
            connection.execute(text(f"DROP INDEX {name}"))
        given = {"events": wallets * each, "wallets": wallets, "per_block": EVENTS_PER_BLOCK}
        connection.execute(text(EVENTS), given)
        connection.execute(text(POSITIONS), {"wallets": wallets, "each": each})
        connection.execute(text(ACCOUNTS), {"wallets": wallets})
        for statement in BOOKS:
            connection.execute(text(statement))
        for name, definition in constraints:
            connection.execute(text(f"ALTER TABLE events ADD CONSTRAINT {name} {definition}"))
        for _, definition in others:
            connection.execute(text(definition))
    with create_engine(made.url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def measure(made: Engine, *, wallets: int, each: int) -> Figures:
    """Let midnight pass over a loaded database, and measure what comes after it."""
    sessions = session_factory(made)
    clock = ShiftClock(sessions, network="bench", is_devnet=True)
    today = Epoch(epoch_at(clock.now()) + 1)
    clock.jump_to(starts_at(Epoch(today + 1)) - SECONDS_PER_EPOCH // 2)
    SetProRata(sessions).set(CAPACITY)
    figures: Figures = {}
    figures["midnight: the follower's step, more"] = (
        pass_midnight(
            sessions,
            clock,
            today,
            blocks=wallets * each // EVENTS_PER_BLOCK,
            staked_vvv=wallets * each * WEI_PER_TOKEN,
        ),
        "ms",
    )
    middle = wallets // 2
    gateway_id, keys = keys_of(sessions, range(middle, middle + 3 * SAMPLES))
    holders, readers, third = (keys[first::3] for first in range(3))
    spend, read = SpendCredit(sessions), ReadAccount(sessions)
    for what, number in (("first", 1), ("second", 2)):
        figures |= spread(
            f"{what} hold of the day",
            [timed(lambda key=key: spend.hold(gateway_id, hold_of(key[1], number))) for key in holders],  # noqa: B023 - called at once
        )
    figures |= spread(
        "first look at a balance", [timed(lambda key=key: read.account(key[0])) for key in readers]
    )
    figures |= spread(
        "beside it, the smallest statement", [timed(lambda: pulse(sessions)) for _ in range(SAMPLES)]
    )
    figures |= sweep(made, sessions, gateway_id, [secret for _, secret in third], wallets)
    figures |= expire(sessions, clock)
    return figures


def pass_midnight(
    sessions: Sessions, clock: ShiftClock, today: Epoch, *, blocks: int, staked_vvv: int
) -> float:
    """Follow from the last final block of `today` to the first of the next; return what that takes more."""
    midnight = starts_at(Epoch(today + 1))
    headers = [
        Header(number, f"0x{number:064x}", f"0x{number - 1:064x}", moment)
        for number, moment in (
            (0, midnight - SECONDS_PER_EPOCH // 2),
            (blocks, midnight - 2),
            (blocks + 1, midnight),
        )
    ]
    start, evening, after = headers[0], headers[-2], headers[-1]
    with sessions.begin() as session:
        chain.begin(session, chain_id=1, start=start, now=clock.now())
        chain.add_blocks(session, headers[1:])
        staked = [StakeChange(blocks, staked_vvv)]
        pro_rata.note_stake(session, start=start, above=start, to=evening, changes=staked)
        chain.move_cursor(session, head=after, final=evening, node_number=after.number)

    def step() -> None:
        with sessions.begin() as session:
            pro_rata.note_stake(session, start=start, above=evening, to=after, changes=[])
            chain.move_cursor(session, head=after, final=after, node_number=after.number)

    took = timed(step)
    clock.jump_to(midnight + 60)
    return took


def keys_of(sessions: Sessions, numbers: Sequence[int]) -> tuple[int, list[tuple[Wallet, str]]]:
    """Make a key for some wallets and a gateway; return its id, and wallets with secrets."""
    gateways, manage = ManageGateways(sessions), ManageKeys(sessions)
    gateway_id = gateways.authenticate(gateways.issue_token("bench"))
    made: list[tuple[Wallet, str]] = []
    for number in numbers:
        wallet = Wallet(f"0x{number:040x}")
        with sessions.begin() as session:
            account_id = access.account_of(session, wallet)
        assert account_id is not None
        made.append((wallet, manage.create(account_id, NewKey("bench")).secret))
    return gateway_id, made


def hold_of(secret: str, number: int) -> HoldRequest:
    """Return the smallest request there is."""
    return HoldRequest(
        request_id=f"{number}:{secret}",
        key_hash=hash_secret(secret),
        amount=NanoUsd(1),
        minimum=NanoUsd(1),
        ttl=DEFAULT_TTL_SECONDS,
        model=None,
    )


# --- the sweep -----------------------------------------------------------------------------------------


class SweepSome(GrantAllowances):
    """A sweep that ends after some pages, as the rate is the same in all of them."""

    def _pages(self, rules: Rules, final: int) -> Iterator[Sequence[Wallet]]:
        return islice(super()._pages(rules, final), PAGES)


def sweep(made: Engine, sessions: Sessions, gateway_id: int, secrets: list[str], wallets: int) -> Figures:
    """Sweep everybody while another process holds; then once more, with nothing left to do."""
    url = made.url.render_as_string(hide_password=False)
    quiet = held_meanwhile(url, gateway_id, secrets, 1, lambda: time.sleep(3))
    sweeps, took = SweepSome(sessions), 0.0
    some = min(wallets, PAGES * WALLETS_PER_PAGE)

    def run() -> None:
        nonlocal took
        took = timed(sweeps.sweep)

    busy = held_meanwhile(url, gateway_id, secrets, 2, run)
    return {
        "sweep: accounts": (some * 1_000 / took, "/s"),
        "sweep: all of them at that rate": (took * wallets / some / 1_000, "s"),
        **spread("a hold, no sweep", quiet),
        **spread("a hold during the sweep", busy),
        "sweep with nothing new": (timed(sweeps.sweep), "ms"),
    }


def held_meanwhile(
    url: str, gateway_id: int, secrets: list[str], turn: int, work: Callable[[], None]
) -> list[float]:
    """Hold again and again in a process of its own while `work` runs; return how long each took, in ms."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    answers, telling = context.Pipe(duplex=False)
    other = context.Process(target=hold_until, args=(url, gateway_id, secrets, turn, ready, stop, telling))
    other.start()
    ready.wait()
    work()
    stop.set()
    found: list[float] = answers.recv()
    other.join()
    return found


def hold_until(
    url: str,
    gateway_id: int,
    secrets: list[str],
    turn: int,
    ready: Event,
    stop: Event,
    telling: Connection,
) -> None:
    """Hold by one key after another, until `stop`. Runs in the other process."""
    made = engine(make_url(url))
    spend = SpendCredit(session_factory(made))
    took: list[float] = []
    number = 0
    spend.hold(gateway_id, hold_of(secrets[0], turn * 10**9))
    ready.set()
    while not stop.is_set():  # ends: the other process sees to it
        secret = secrets[number % len(secrets)]
        number += 1
        took.append(timed(lambda: spend.hold(gateway_id, hold_of(secret, turn * 10**9 + number))))  # noqa: B023 - called at once
        time.sleep(0.005)
    made.dispose()
    telling.send(took)


def expire(sessions: Sessions, clock: ShiftClock) -> Figures:
    """The day ends: what is left of its credit is booked as expired, a part of it in each run of the job."""
    clock.jump_to(starts_at(Epoch(epoch_at(clock.now()) + 1)))
    jobs, ended = ExpireCredit(sessions), 0

    def run() -> None:
        nonlocal ended
        ended = jobs.expire_buckets()

    took = timed(run)
    return {"expiry: buckets": (ended * 1_000 / took, "/s")}


def pulse(sessions: Sessions) -> None:
    """Ask for the time: what every statement costs on this machine, as busy as it is now."""
    with sessions.begin() as session:
        session.execute(PULSE)


# --- figures -------------------------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> float:
    """Return how long `work` takes, in milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def spread(what: str, took: Sequence[float]) -> Figures:
    """Return the median and the 99th percentile."""
    cuts = statistics.quantiles(took, n=100)
    return {f"{what}: p50": (statistics.median(took), "ms"), f"{what}: p99": (cuts[98], "ms")}


def as_table(sizes: Sequence[int], each: int, found: Sequence[Figures]) -> Table:
    """Return one row for each figure: its values, and in brackets what they are to the smallest size."""
    table = Table("", *(f"{size:,} wallets\n{size * each:,} events" for size in sizes), box=None)
    for name, (first, unit) in found[0].items():
        values = [figures[name][0] for figures in found]
        table.add_row(name, *(f"{value:,.1f} {unit} ({value / first:.2f})" for value in values))
    return table


if __name__ == "__main__":
    main()
