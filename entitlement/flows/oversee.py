"""What whoever operates the service looks at: how it stands, what it owes, what was done by hand. Reads only.

Sums over all accounts take a while on a large ledger, and a page asks again and again: they are kept for some
seconds, with their age. What is held in USDC is asked of the node apart from them: the books are told without
one too.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.acts import Act
from entitlement.core.blocks import Header
from entitlement.core.buyback_policy import Policy, policy_on
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import NotReadYet
from entitlement.core.statements import Books, Holding
from entitlement.core.units import Wallet
from entitlement.flows.govern_buybacks import GovernBuybacks, Standing
from entitlement.flows.kept_answer import Held, KeepingTimes, KeptAnswer
from entitlement.flows.make_statements import Holdings
from entitlement.store import acts, chain, oversight, statements
from entitlement.store.buyback_rules import SetPolicy
from entitlement.store.clock import service_time
from entitlement.store.oversight import Open, RootsStanding, Undelivered

FRESH_SECONDS = 15.0
PATIENCE_SECONDS = 3.0
"""Whoever asks holds a thread while he waits for a newer answer."""
MOST_ACTS = 100
"""In one answer."""


@dataclass(frozen=True, slots=True)
class Condition:
    """How the work of the service stands, by its own records."""

    now: int
    """By the service's clock; Unix time."""
    open: dict[str, Open]
    """By the kind of hold."""
    undelivered: Undelivered
    roots: RootsStanding
    stated_at: int | None
    """When the newest statement was made; Unix time."""


@dataclass(frozen=True, slots=True)
class Liabilities:
    """What is owed, as of one moment of the running day."""

    epoch: Epoch
    books: Books
    """As a statement of the running day would have them: `core.statements` has the rule."""
    held: dict[str, int]
    """By source, the part of what is outstanding that is set aside for requests; nano-USD."""


@dataclass(frozen=True, slots=True)
class Vault:
    """What addresses hold of the dollar token, at a block."""

    block: Header
    usdc: Sequence[Holding]


@dataclass(frozen=True, slots=True)
class Buybacks:
    """Where buybacks stand, by the journal alone."""

    standing: Standing
    in_force: Policy
    """Today; where none was set, one that buys nothing."""
    policies: list[SetPolicy]
    """Every one that was ever set, in the order of their days."""


class Oversee:
    """The operator's view. `holdings` asks the node, outside of any transaction."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        operators: frozenset[Wallet],
        burner: Callable[[], Wallet],
        holdings: Holdings,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """`burner` is asked for when somebody asks: the service runs without a deployment."""
        self._sessions, self._operators, self._burner, self._holdings = sessions, operators, burner, holdings
        self._govern = GovernBuybacks(sessions)
        times = KeepingTimes(FRESH_SECONDS, patience)
        self._liabilities = KeptAnswer(self._read_liabilities, "the ledger", times, clock)
        self._vault = KeptAnswer(self._read_vault, "what is held in USDC", times, clock)

    def is_operator(self, wallet: Wallet) -> bool:
        """Tell whether a wallet is one of those that may look."""
        return wallet in self._operators

    def condition(self) -> Condition:
        """Return how the work of the service stands."""
        with self._sessions.begin() as session:
            return Condition(
                now=service_time(session),
                open=oversight.open_holds(session),
                undelivered=oversight.undelivered(session),
                roots=oversight.roots_standing(session),
                stated_at=statements.newest_made_at(session),
            )

    def liabilities(self) -> Held[Liabilities]:
        """Return what is owed. Raises `NotReadYet` while a large ledger is read for the first time."""
        return self._liabilities.get()

    def vault(self) -> Held[Vault]:
        """Return what is held in USDC at the newest block that was followed.

        Raises what kept the first reading from ending: `NodeUnavailable`, `DeploymentMissing`, `NotReadYet`.
        """
        return self._vault.get()

    def buybacks(self) -> Buybacks:
        """Return where buybacks stand. Raises `DeploymentMissing`."""
        standing, policies = self._govern.standing(self._burner()), self._govern.policies()
        today = epoch_at(standing.now)
        since = {each.since.epoch: each.since for each in policies}
        return Buybacks(standing, policy_on(list(since.values()), today), policies)

    def acts(self, *, below: int | None = None) -> tuple[list[Act], bool]:
        """Return the last acts by hand, newest first, and whether there are more before them.

        `below` an id, they are the last ones before that.
        """
        with self._sessions.begin() as session:
            found = acts.newest(session, below=below, limit=MOST_ACTS + 1)
        return found[:MOST_ACTS], len(found) > MOST_ACTS

    def _read_liabilities(self) -> Liabilities:
        with self._sessions() as session, session.begin():
            # One moment for all sums: what is held is a part of what is outstanding.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            today = epoch_at(service_time(session))
            return Liabilities(today, statements.books_of(session, today), oversight.held_by_source(session))

    def _read_vault(self) -> Vault:
        with self._sessions.begin() as session:
            followed = chain.followed(session)
        if followed is None:
            raise NotReadYet(what="the chain has not been followed yet")
        return Vault(followed.head, self._holdings(followed.head))
