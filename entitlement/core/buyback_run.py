"""The life of one run, from its row in the journal to a final block; what is next follows from what is seen.

    planned ──sign──> signed ──send──> sent ──a block has it──> mined ──final──> final
       │                 ^               │ ^                      │
       │                 │               │ └──a fork drops it─────┘   sent again, the same bytes
       │                 └──too slow: the same nonce, a higher fee
       │                                 │
       └──the trial fails: refused       ├──past its deadline, or its number is taken: its nonce is spent on
                                         │  nothing, and once that is final, or it has failed: refused
                                         └──another transaction of the account has the nonce: replaced

Each arrow that signs is committed before anything is sent. All transactions of a run have one nonce, so that
one of them executes at the most; and the contract executes each number once.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.units import Usdc, Wallet, Wei

REPLACE_AFTER_SECONDS = 120
"""Of the chain's time, since it was sent: longer is too slow."""
ATTEMPTS_MAX = 20
"""Then a person has to look: fees twelve times as high have not helped."""


class RunState(StrEnum):
    """Where a run is."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    REFUSED = "refused"
    REPLACED = "replaced"


OPEN = (RunState.PLANNED, RunState.SIGNED, RunState.SENT, RunState.MINED)
"""A run in one of these may still execute: no other is begun."""


class Kind(StrEnum):
    """What a transaction is for."""

    EXECUTE = "execute"
    CANCEL = "cancel"
    """Nothing, to oneself: it takes the nonce."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction that was signed for a run. All of them have the run's nonce."""

    number: int
    """From 1 on."""
    kind: Kind
    hash: str
    raw: bytes
    max_fee: int
    """Wei for each gas, at most."""
    tip: int
    """Wei for each gas that the block's maker gets."""
    sent_at: int | None
    """The chain's time when a node first took it; None if that is not known: one may have it all the same."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the journal has it."""

    id: int
    plan_id: int | None
    number: int
    """The contract's."""
    keeper: Wallet
    nonce: int
    usdc: Usdc
    minimum: Wei
    floor: Wei
    deadline: int
    """Unix time of the chain."""
    state: RunState
    attempts: tuple[Attempt, ...] = ()
    taken_at: int | None = None
    """The block at which the nonce was first seen used by none of the attempts; None while it is free."""
    spent: Usdc | None = None
    burned: Wei | None = None
    block: int | None = None
    hash: str | None = None
    """Of the transaction that a block has."""
    reason: str | None = None
    """Why it ended as it did, where it did not execute."""

    @property
    def newest(self) -> Attempt | None:
        """The attempt that counts: the last one signed."""
        return self.attempts[-1] if self.attempts else None


@dataclass(frozen=True, slots=True)
class Included:
    """An attempt that is in a block."""

    attempt: Attempt
    block: int
    is_final: bool
    succeeded: bool
    spent: Usdc
    """By its event; zero where there is none."""
    burned: Wei


@dataclass(frozen=True, slots=True)
class Sight:
    """What the chain says, at one block."""

    block: int
    time: int
    final_block: int
    next_run: int
    nonce: int
    """The account's next one."""
    included: Included | None
    is_known: bool
    """Whether the node has the newest attempt, in a block or waiting for one."""


@dataclass(frozen=True, slots=True)
class Execution:
    """A run as the chain tells of it: BuybackExecuted, and DonationBurned beside it."""

    number: int
    keeper: Wallet
    spent: Usdc
    burned: Wei
    donated: Wei
    """Burned with it, and not bought."""
    reference_price: Wei
    """The mean of the window: VVV wei for one whole USDC, rounded up."""
    block_number: int
    block_hash: str
    transaction_hash: str
    executed_at: int
    """Unix time of its block."""


class Act(StrEnum):
    """What is done next."""

    SIGN = "sign"
    SEND = "send"
    REPLACE = "replace"
    CANCEL = "cancel"
    WAIT = "wait"
    SETTLE = "settle"
    """Write down what is seen, and nothing else."""
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done next, why, and where the run is then, if that is written down."""

    act: Act
    reason: str
    state: RunState | None = None
    taken_at: int | None = None


def next_act(run: Run, sight: Sight) -> Decision:
    """Return what to do about an open run."""
    assert run.state in OPEN, f"run {run.id} has ended"
    if sight.included is not None:
        return _included(run, sight.included)
    if sight.nonce > run.nonce:
        return _taken(run, sight)
    if run.taken_at is not None:
        return Decision(Act.SETTLE, "the nonce is free again: a fork has dropped what used it", run.state)
    if run.state is RunState.MINED:
        return Decision(Act.SETTLE, "a fork has dropped it", RunState.SENT)
    newest = run.newest
    if newest is None:
        return _unsigned(run, sight)
    return _useless(run, newest, sight) or _waiting(run, newest, sight)


def _useless(run: Run, newest: Attempt, sight: Sight) -> Decision | None:
    """Return what to do about what could only fail; None while it could succeed, or is cancelled already."""
    if newest.kind is Kind.CANCEL:
        return None
    if sight.time > run.deadline:
        return Decision(Act.CANCEL, f"its deadline, {run.deadline}, has passed")
    if sight.next_run > run.number:
        return Decision(Act.CANCEL, f"run {run.number} was executed by another transaction")
    if sight.next_run < run.number:
        return Decision(Act.WAIT, f"run {sight.next_run} is next: a fork has dropped an earlier one")
    return None


def _waiting(run: Run, newest: Attempt, sight: Sight) -> Decision:
    # A node forgets what offers too little, and would again: what counts is how long ago it was sent
    # for the first time.
    is_slow = newest.sent_at is not None and sight.time - newest.sent_at > REPLACE_AFTER_SECONDS
    if is_slow and newest.number >= ATTEMPTS_MAX:
        return Decision(Act.PERSON, f"{ATTEMPTS_MAX} transactions of nonce {run.nonce} wait for a block")
    if is_slow:
        act = Act.REPLACE if newest.kind is Kind.EXECUTE else Act.CANCEL
        return Decision(act, f"no block has taken it in {REPLACE_AFTER_SECONDS} seconds")
    if newest.sent_at is None or not sight.is_known:
        return Decision(Act.SEND, "the node does not have it")
    return Decision(Act.WAIT, "it waits for a block")


def _included(run: Run, included: Included) -> Decision:
    if not included.is_final:
        if run.state is RunState.MINED and run.hash == included.attempt.hash and run.block == included.block:
            return Decision(Act.WAIT, f"block {included.block} has it, and is not final yet")
        return Decision(Act.SETTLE, f"block {included.block} has it", RunState.MINED)
    if included.attempt.kind is Kind.CANCEL:
        return Decision(Act.SETTLE, "it was cancelled", RunState.REFUSED)
    if not included.succeeded:
        return Decision(Act.SETTLE, f"the contract refused it in block {included.block}", RunState.REFUSED)
    return Decision(Act.SETTLE, f"block {included.block} is final", RunState.FINAL)


def _taken(run: Run, sight: Sight) -> Decision:
    told = f"nonce {run.nonce} was used by another transaction of {run.keeper}"
    if run.taken_at is None or run.taken_at > sight.block:
        return Decision(Act.SETTLE, told, run.state, taken_at=sight.block)
    if sight.final_block >= run.taken_at:
        return Decision(Act.SETTLE, told, RunState.REPLACED, taken_at=run.taken_at)
    return Decision(Act.WAIT, told)


def _unsigned(run: Run, sight: Sight) -> Decision:
    """What was never signed cannot execute: it may simply be dropped."""
    if sight.time > run.deadline:
        told = f"its deadline, {run.deadline}, passed before it was signed"
        return Decision(Act.SETTLE, told, RunState.REFUSED)
    if sight.next_run != run.number:
        return Decision(
            Act.SETTLE,
            f"run {sight.next_run} is next, not {run.number}, and it was not signed",
            RunState.REFUSED,
        )
    return Decision(Act.SIGN, "it is planned")


def under_way(runs: Iterable[Run], executed: Collection[int]) -> Usdc:
    """Return what runs that may still execute may spend; not of those that the chain has `executed`."""
    return Usdc(sum(run.usdc for run in runs if run.state in OPEN and run.number not in executed))
