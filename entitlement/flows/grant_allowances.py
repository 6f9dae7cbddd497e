"""Grant allowances: the day's right becomes credit when an account is touched, or when the sweep comes by.

"Grant up to": an account's bucket of the epoch is raised to what the chain gives it now, never lowered. So it
is safe to repeat at any moment, and no job at midnight stands between anybody and their credit.

The sweep makes the grants that nobody has asked for, so that the day's totals are whole:

    first in an epoch, and again once its start is final    every wallet, page by page
    after that                                              the wallets that the chain has spoken of since
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.core.dues import DAILY_SOURCES, Due, dues
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.errors import GrantsFailed
from entitlement.core.ledger import Bucket, Entry, Source, book_grant, daily_bucket
from entitlement.core.pro_rata import Policy
from entitlement.core.units import NanoUsd, Wallet
from entitlement.store import access, chain, grants, ledger, pro_rata
from entitlement.store.books import Books
from entitlement.store.clock import service_time
from entitlement.store.entry_batches import ask_entry_ids
from entitlement.store.journey import Journey
from entitlement.store.raw import driver_of, told_as_ours
from entitlement.telemetry import where

log = structlog.get_logger()

WALLETS_PER_PAGE = 2_000
"""Read at once. Most have been granted to already, or have nothing due."""
ACCOUNTS_PER_SWEEP_STEP = 100
"""Locked at once: what a request may wait for."""
RECENT_WALLETS_MAX = 20_000
"""With more of them than that, all are looked at: it is as fast, and needs no more memory."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about everybody at once; when it changes, everybody is looked at again."""

    epoch: Epoch
    is_start_final: bool
    policy: Policy


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep that was whole: by which rules, and the final block then."""

    rules: Rules
    final: int


FAILURES_LOGGED = 20
"""Of one sweep, so that a fault that all accounts share does not fill the disk; the others are counted."""


@dataclass(slots=True)
class Tally:
    """How a sweep goes."""

    raised: int = 0
    failed: int = 0


class GrantAllowances:
    """Makes the grants that nobody has asked for yet.

    How far it came is kept in memory alone: who forgets it looks at everybody once more.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._swept: Swept | None = None

    def sweep(self) -> int:
        """Grant to every wallet with something due; return how many grants were made or raised.

        One that fails keeps no other from its credit: raises `GrantsFailed` when all have had their turn, and
        the database's own error at once where the connection to it is lost.
        """
        with self._sessions.begin() as session:
            followed = chain.followed(session)
            epoch = epoch_at(service_time(session))
            policy = pro_rata.policy_in(session, epoch)
        if followed is None or followed.no_grants_because is not None:
            return 0
        rules = Rules(epoch, followed.final.timestamp >= starts_at(epoch), policy)
        tally = Tally()
        for page in self._pages(rules, followed.final.number):
            lacking = self._lacking(page, epoch)
            for first in range(0, len(lacking), ACCOUNTS_PER_SWEEP_STEP):
                self._grant(lacking[first : first + ACCOUNTS_PER_SWEEP_STEP], tally)
        if tally.failed:
            raise GrantsFailed(failed=tally.failed, raised=tally.raised)
        self._swept = Swept(rules, followed.final.number)
        return tally.raised

    def _pages(self, rules: Rules, final: int) -> Iterator[Sequence[Wallet]]:
        recent = self._recent(rules, final)
        if recent is not None:
            for first in range(0, len(recent), WALLETS_PER_PAGE):
                yield recent[first : first + WALLETS_PER_PAGE]
            return
        last = ""
        while True:  # ends: each round goes past the wallets of the one before
            with self._sessions.begin() as session:
                if rules.policy.capacity:
                    page = grants.wallets_with_position(session, after=last, limit=WALLETS_PER_PAGE)
                else:
                    page = chain.wallets_with_right(session, after=last, limit=WALLETS_PER_PAGE)
            yield page
            if len(page) < WALLETS_PER_PAGE:
                return
            last = page[-1]

    def _recent(self, rules: Rules, final: int) -> list[Wallet] | None:
        """Return the wallets that the chain spoke of since the last sweep, or None to look at all."""
        before = self._swept
        # A final block that went back took events along whose wallets nobody knows any more.
        if before is None or before.rules != rules or final < before.final:
            return None
        with self._sessions.begin() as session:
            recent = grants.wallets_in_events(session, above=before.final, limit=RECENT_WALLETS_MAX + 1)
        return recent if len(recent) <= RECENT_WALLETS_MAX else None

    def _lacking(self, wallets: Sequence[Wallet], epoch: Epoch) -> list[Wallet]:
        """Return the wallets that something is due to; all of them where it cannot be told of all at once."""
        try:
            with self._sessions.begin() as session:
                due = dues_in(session, epoch, wallets)
                granted = grants.granted(session, {wallet for wallet, _ in due}, epoch)
        except Exception as error:
            if _is_lost(error):
                raise
            return sorted(wallets)
        return sorted({each[0] for each, amount in due.items() if granted.get(each, 0) < amount})

    def _grant(self, wallets: Sequence[Wallet], tally: Tally) -> None:
        """Grant to all of them at once or, where that fails, to each by itself."""
        try:
            tally.raised += self._grant_to(wallets)
        except Exception as error:
            if _is_lost(error):
                raise
            if len(wallets) > 1:
                for wallet in wallets:
                    self._grant([wallet], tally)
            else:
                tally.failed += 1
                _tell(wallets[0], error, tally.failed)

    def _grant_to(self, wallets: Sequence[Wallet]) -> int:
        # In a transaction of its own: who makes an account must not hold the lock of another.
        with self._sessions.begin() as session:
            grants.open_accounts(session, wallets, service_time(session))
        with self._sessions.begin() as session:
            accounts = access.lock_accounts(session, grants.accounts_of(session, wallets))
            return len(grant_all(session, accounts, service_time(session)))


def _is_lost(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _tell(wallet: Wallet, error: Exception, number: int) -> None:
    metrics.GRANT_FAILURES.inc()
    if number <= FAILURES_LOGGED:
        # Not the error's own text: it may quote values.
        log.error("grant_failed", wallet=wallet, reason=type(error).__name__, where=where(error))


def grant_up_to_allowance(session: Session, account_id: int, wallet: Wallet, now: int) -> NanoUsd:
    """Raise the account's buckets of this epoch to what is due; return by how much.

    The caller holds the account's lock and has taken `now` after it, so that the day is the right one.
    """
    raised = grant_all(session, {account_id: wallet}, now)
    return NanoUsd(sum(raised.values()))


def grant_all(session: Session, accounts: Mapping[int, Wallet], now: int) -> dict[Due, NanoUsd]:
    """Raise these accounts' buckets of this epoch to what is due; return by how much, where it was anything.

    The caller holds the locks of all of them and has taken `now` after that.
    """
    epoch = epoch_at(now)
    with told_as_ours(session):
        journey = Journey(driver_of(session))
        asked = grants.ask_grounds(journey, accounts.values(), epoch)
        had = ledger.ask_daily_buckets(journey, accounts, epoch)
        journey.go()
        due = dues(grants.grounds_of(asked), epoch)
        wanted = [
            (account_id, source)
            for account_id, wallet in accounts.items()
            for source in DAILY_SOURCES
            if (wallet, source) in due
        ]
        found = ledger.daily_buckets_of(had)
        found |= _opened(journey, [each for each in wanted if each not in found], epoch)
        raised: dict[Due, NanoUsd] = {}
        entries: list[Entry] = []
        for account_id, source in wanted:
            known, up_to = found[account_id, source], due[accounts[account_id], source]
            if known.granted < up_to:
                entries.append(book_grant(account_id, epoch, known, granted=known.granted, up_to=up_to))
                raised[accounts[account_id], source] = NanoUsd(up_to - known.granted)
        if entries:
            ledger.append_with(session, journey, entries, now)
    return raised


def _opened(
    journey: Journey, missing: Sequence[tuple[int, Source]], epoch: Epoch
) -> dict[tuple[int, Source], Bucket]:
    """Return these buckets of the day; the journey makes them on its next way."""
    if not missing:
        return {}
    ids = ledger.ask_bucket_ids(journey, len(missing))
    journey.go()
    new = {each: daily_bucket(one, each[1], epoch) for each, one in zip(missing, ids.one()[0], strict=True)}
    ledger.open_daily_buckets(journey, [(account_id, bucket) for (account_id, _), bucket in new.items()])
    return new


def grant_in_books(journey: Journey, books: Books, account_ids: Collection[int]) -> Books:
    """Raise the buckets of these accounts' books to what is due; it is written with the rest of the books."""
    account_of = {books.accounts[account_id].wallet: account_id for account_id in account_ids}
    epoch = epoch_at(books.now)
    asked = grants.ask_grounds(journey, account_of, epoch)
    missing = sum(
        books.accounts[account_id].bucket_of_today(source) is None
        for account_id in account_ids
        for source in DAILY_SOURCES
    )
    bucket_ids = ledger.ask_bucket_ids(journey, missing)
    entry_ids = ask_entry_ids(journey, missing)
    journey.go()
    new_ids = iter(bucket_ids.one()[0])
    for (wallet, source), up_to in dues(grants.grounds_of(asked), epoch).items():
        books.accounts[account_of[wallet]].grant(source, up_to, new_ids)
    return replace(books, entry_ids=entry_ids)


def dues_in(session: Session, epoch: Epoch, wallets: Collection[Wallet]) -> dict[Due, NanoUsd]:
    """Return what the followed chain gives `wallets` in `epoch`, as far as it is known now; no zeros.

    Nothing while following or a verification has stopped granting; what was granted before stays.
    """
    with told_as_ours(session):
        journey = Journey(driver_of(session))
        asked = grants.ask_grounds(journey, wallets, epoch)
        journey.go()
    return dues(grants.grounds_of(asked), epoch)
