"""What tests of roots and proofs share: a day in which some wallets have a right and spend of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.events import AllowanceChanged, LogPlace
from entitlement.core.holds import LATE_CAPTURE_SECONDS
from entitlement.core.keys import NewKey
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.follow_chain import FollowChain
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import roots
from entitlement.store.roots import Closed, Leaf
from tests.support import (
    DIEM,
    NOON,
    Holder,
    ScriptedChain,
    Unplaced,
    catch_up,
    follower,
    holder,
    reach,
    wallet_number,
)

Sessions = sessionmaker[Session]
TODAY = epoch_at(NOON)


def right(name: Wallet, diem: int, epoch: Epoch = TODAY) -> Unplaced:
    """The contract says that a wallet has the right of so many DIEM, from `epoch` on."""

    def said(at: LogPlace) -> AllowanceChanged:
        return AllowanceChanged(at, name, epoch, Wei(diem * DIEM), Wei(diem * DIEM))

    return said


@dataclass
class Days:
    """A chain and the service that follows it, day by day. The clock stands at noon of today."""

    sessions: Sessions
    clock: ShiftClock
    chain: ScriptedChain = field(default_factory=ScriptedChain)
    holders: dict[int, Holder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.following: FollowChain = follower(self.chain, self.sessions)

    def grant(self, rights: Mapping[int, int], wallets: Mapping[int, Wallet] | None = None) -> None:
        """Let wallets have rights in DIEM, and be granted them, asked for or not."""
        names = wallets or {number: wallet_number(number) for number in rights}
        said = [right(names[number], diem) for number, diem in rights.items()]
        self.chain.mine(*said, at=NOON - 60)
        catch_up(self.following)
        GrantAllowances(self.sessions).sweep()

    def hold(self, number: int, amount: int, request_id: str = "r1") -> str:
        """Let a wallet hold credit."""
        if number not in self.holders:
            self.holders[number] = holder(self.sessions, number=number, wish=NewKey("a key"))
        mine = self.holders[number]
        made = SpendCredit(self.sessions).hold(mine.gateway_id, mine.request(amount, request_id))
        return made.hold.id

    def capture(self, number: int, hold_id: str, amount: int) -> None:
        mine = self.holders[number]
        SpendCredit(self.sessions).capture(mine.gateway_id, hold_id, NanoUsd(amount), None)

    def spend(self, number: int, amount: int, request_id: str = "r1") -> None:
        """Let a wallet spend."""
        self.capture(number, self.hold(number, amount, request_id), amount)

    def end(self, epoch: Epoch = TODAY) -> None:
        """Let a day be over: on the chain, for good, and by the clock, the hour of late captures included."""
        if self.chain.headers_[-1].timestamp < ends_at(epoch):
            self.chain.mine(at=ends_at(epoch))
        catch_up(self.following)
        reach(self.clock, ends_at(epoch) + LATE_CAPTURE_SECONDS)

    def close(self, first: Epoch = TODAY) -> list[Epoch]:
        return CloseEpochs(self.sessions).close_due(first)

    def closed(self, epoch: Epoch = TODAY) -> Closed:
        with self.sessions.begin() as session:
            found = roots.closed_epoch(session, epoch)
        assert found is not None
        return found

    def leaves(self, epoch: Epoch = TODAY) -> list[Leaf]:
        with self.sessions.begin() as session:
            return list(roots.leaves_in(session, epoch))
