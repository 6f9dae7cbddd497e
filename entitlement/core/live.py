"""The live contracts' rules: from what they say of a wallet at two blocks to the events between.

The live system writes no event that names an exit: staked DIEM leaves by a call of which no log is proven. So
a wallet's account is asked before and after every block that touched it, and the difference, with the
amounts that logs do prove, is what happened:

    before --[ sVVV minted, sVVV burned, DIEM staked: proven by logs ]--> after
      |                                                                    |
      +-----> requested = before.staked + staked - after.staked  <---------+
              paid      = before.cooling + requested - after.cooling   (nothing, or all that was pending)

One exit is pending at a time. A further request adds to it and restarts the wait of all of it, which is
told in our events as the old exit cancelled and a larger one requested. It is numbered by the Unix time at
which it is due.

The daily right, of which the live contracts say nothing within a day, follows our rule: staking raises
today's and tomorrow's, a request lowers tomorrow's only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, starts_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.events import (
    ChainEvent,
    DiemBurned,
    DiemExitCancelled,
    DiemExitClaimed,
    DiemExitRequested,
    DiemMinted,
    DiemStaked,
    LogPlace,
    VvvExitCancelled,
    VvvExitClaimed,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
    VvvUnlocked,
)
from entitlement.core.positions import NO_WEI, Slot
from entitlement.core.units import Wallet, Wei

COOLDOWN_MIN = SECONDS_PER_EPOCH
"""Seconds that staked DIEM must wait after a request: with less, one DIEM could give two dollars in a day."""


@dataclass(frozen=True, slots=True)
class Exit:
    """What is on its way out: one for each station, nothing when `amount` is zero."""

    amount: Wei = NO_WEI
    due: int = 0
    """Unix time from which all of it is paid."""


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """What the live contracts say of a wallet at the end of a block. Amounts in wei."""

    wallet: Wallet
    vvv_unlocked: Wei = NO_WEI
    vvv_locked: Wei = NO_WEI
    vvv_exit: Exit = Exit()
    diem_minted: Wei = NO_WEI
    diem_staked: Wei = NO_WEI
    diem_exit: Exit = Exit()


@dataclass(frozen=True, slots=True)
class Logged:
    """What the logs of one block prove of a wallet, summed. Amounts in wei."""

    vvv_staked: Wei = NO_WEI
    """sVVV minted to it."""
    vvv_requested: Wei = NO_WEI
    """sVVV burned from it."""
    diem_staked: Wei = NO_WEI

    def __add__(self, other: "Logged") -> "Logged":
        return Logged(
            Wei(self.vvv_staked + other.vvv_staked),
            Wei(self.vvv_requested + other.vvv_requested),
            Wei(self.diem_staked + other.diem_staked),
        )


@dataclass(frozen=True, slots=True)
class Day:
    """What today's right of a wallet follows from, up to the block that is looked at. Amounts in wei."""

    epoch: Epoch
    staked_before: Wei
    """What was staked at the last block of the day before."""
    staked_since: Wei
    """What was added since, all stakes of the day."""


def right_without_history(account: LiveAccount, epoch: Epoch, cooldown: int) -> Slot | None:
    """Return the daily right where the account alone proves it: where no exit was requested in `epoch`.

    `cooldown` is the wait in seconds, from which the time of the last request follows; it is a day at least,
    so that an exit which was requested in `epoch` is still pending.
    """
    assert cooldown >= COOLDOWN_MIN
    if account.diem_exit.amount and account.diem_exit.due - cooldown >= starts_at(epoch):
        return None
    return Slot(epoch, account.diem_staked, account.diem_staked)


def right_of(day: Day, staked: Wei) -> Slot:
    """Return the daily right of a wallet that has `staked` wei of DIEM staked now."""
    # Exits lower the stake and never raise it, so what is there now is at the most what was there in all.
    current = Wei(day.staked_before + day.staked_since)
    assert staked <= current, f"{staked} staked, but only {current} ever was in epoch {day.epoch}"
    return Slot(day.epoch, current, staked)


def opening(account: LiveAccount) -> Logged:
    """Return the log that would have made `account` out of nothing: for the first block that is followed."""
    return Logged(
        vvv_staked=Wei(account.vvv_unlocked + account.vvv_locked + account.vvv_exit.amount),
        vvv_requested=account.vvv_exit.amount,
        diem_staked=Wei(account.diem_staked + account.diem_exit.amount),
    )


def changes(
    before: LiveAccount, after: LiveAccount, logged: Logged, *, supply: Wei, place: Callable[[], LogPlace]
) -> list[ChainEvent]:
    """Return what happened to a wallet in one block, without the daily right.

    `supply` is the DIEM supply after the block; `place` gives each event its place. Raises `InconsistentNode`
    when accounts and logs do not fit together: then a rule stated above is not the live contract's.
    """
    assert before.wallet == after.wallet
    return [*_vvv(before, after, logged, supply, place), *_diem(before, after, logged, place)]


def _vvv(
    before: LiveAccount, after: LiveAccount, logged: Logged, supply: Wei, place: Callable[[], LogPlace]
) -> Iterator[ChainEvent]:
    wallet = before.wallet
    had, has = before.vvv_unlocked + before.vvv_locked, after.vvv_unlocked + after.vvv_locked
    if has != had + logged.vvv_staked - logged.vvv_requested:
        raise InconsistentNode(f"the stake of {wallet} went from {had} to {has} wei of sVVV against {logged}")
    paid = _paid(wallet, before.vvv_exit, after.vvv_exit, logged.vvv_requested)
    pending = replace(before.vvv_exit, amount=Wei(before.vvv_exit.amount - paid))
    if paid:
        yield VvvExitClaimed(place(), wallet, before.vvv_exit.due, paid)
    if logged.vvv_staked:
        yield VvvStaked(place(), wallet, logged.vvv_staked)
    locked, minted = after.vvv_locked - before.vvv_locked, after.diem_minted - before.diem_minted
    if locked > 0:
        yield VvvLocked(place(), wallet, Wei(locked))
    elif locked < 0:
        yield VvvUnlocked(place(), wallet, Wei(-locked))
    if minted > 0:
        yield DiemMinted(place(), wallet, Wei(minted), Wei(max(locked, 0)), supply)
    elif minted < 0:
        yield DiemBurned(place(), wallet, Wei(-minted), Wei(max(-locked, 0)), supply)
    if logged.vvv_requested:
        if pending.amount:
            yield VvvExitCancelled(place(), wallet, pending.due, pending.amount)
        yield VvvExitRequested(place(), wallet, after.vvv_exit.due, after.vvv_exit.amount, after.vvv_exit.due)


def _diem(
    before: LiveAccount, after: LiveAccount, logged: Logged, place: Callable[[], LogPlace]
) -> Iterator[ChainEvent]:
    wallet = before.wallet
    requested = Wei(before.diem_staked + logged.diem_staked - after.diem_staked)
    if requested < 0:
        raise InconsistentNode(f"the staked DIEM of {wallet} grew by {-requested} wei without a log")
    paid = _paid(wallet, before.diem_exit, after.diem_exit, requested)
    pending = replace(before.diem_exit, amount=Wei(before.diem_exit.amount - paid))
    if paid:
        yield DiemExitClaimed(place(), wallet, before.diem_exit.due, paid)
    if logged.diem_staked:
        yield DiemStaked(place(), wallet, logged.diem_staked)
    if requested:
        if pending.amount:
            yield DiemExitCancelled(place(), wallet, pending.due, pending.amount)
        exit_ = after.diem_exit
        yield DiemExitRequested(place(), wallet, exit_.due, exit_.amount, exit_.due)


def _paid(wallet: Wallet, before: Exit, after: Exit, requested: Wei) -> Wei:
    """Return what was paid out of an exit: nothing, or all that was pending before."""
    paid = Wei(before.amount + requested - after.amount)
    if paid not in {0, before.amount}:
        raise InconsistentNode(
            f"{wallet} had an exit of {before.amount} wei, asked for {requested} more and has {after.amount}"
        )
    return paid
