"""A chain that lives and turns while others follow it, and what a reader may see of it at any moment."""

import threading
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.events import wallets_in
from entitlement.core.positions import Position, fold
from entitlement.core.units import Wallet
from entitlement.store import chain as chain_rows
from tests.simulation.living_chain import LivingChain
from tests.simulation.node_world import artifacts
from tests.simulation.scripted_node import ScriptedNode
from tests.simulation.turns import Turns
from tests.simulation.wire_form import WireForm
from tests.support import everybody

FINAL_AFTER = 12


@dataclass
class Moving:
    """The chain, its node, and the lock under which either is touched."""

    seed: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.chain = LivingChain(finality_depth=FINAL_AFTER)
        self.node = ScriptedNode(self.chain, WireForm(artifacts()))
        self.turns = Turns(self.chain, Random(self.seed), may_undo_final=False)
        for _ in range(30):
            self.turns.live(self.turns.act(), self.turns.act())

    def move(self, turning: float = 0.3) -> None:
        with self.lock:
            for _ in range(self.turns.random.randrange(1, 6)):
                self.turns.live(self.turns.act(), self.turns.act())
            if self.turns.random.random() < turning:
                self.turns.turn()

    def settle(self) -> None:
        """Grow until all that ever was final is final to whoever begins to follow now."""
        with self.lock:
            while len(self.chain.headers_) - 1 - FINAL_AFTER < self.turns.final:
                self.turns.live()


def assert_no_half_block(sessions: sessionmaker[Session]) -> int:
    """In one snapshot: cursor, blocks, events and positions belong together. Return the cursor's height."""
    with sessions.begin() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        found = chain_rows.followed(session)
        if found is None:
            return -1
        kept = {header.number: header.hash for header in chain_rows.kept_blocks(session)}
        events = chain_rows.events_between(session, above=-1, to=2**62)
        stored = {
            pending: chain_rows.positions(session, everybody(session), pending=pending)
            for pending in (False, True)
        }
    assert max(kept) == found.head.number
    assert kept[found.head.number] == found.head.hash
    # Far below the head not every block is kept.
    assert all(
        kept.get(event.at.block_number, event.at.block_hash) == event.at.block_hash for event in events
    )
    at_final: dict[Wallet, Position] = {}
    fold(at_final, [event for event in events if event.at.block_number <= found.final.number])
    assert stored[False] == at_final
    above = [event for event in events if event.at.block_number > found.final.number]
    at_head = dict(at_final)
    fold(at_head, above)
    assert stored[True] == {wallet: at_head[wallet] for wallet in wallets_in(above)}
    return found.head.number
