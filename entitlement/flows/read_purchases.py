"""Read purchases: what a wallet or a transaction bought, and where to buy."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd, Wallet, nano_usd_of
from entitlement.store import access, ledger, purchases
from entitlement.store.clock import service_time

NOTHING = NanoUsd(0)


@dataclass(frozen=True, slots=True)
class Shop:
    """Where credit is bought."""

    chain_id: int
    sales: str
    """Address of CreditSales."""
    usdc: str
    """Address of the token that pays."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """A top-up, as far as it is known."""

    transaction_hash: str
    amount: NanoUsd
    refunded: NanoUsd
    credited_at: int | None
    """Unix time; None where it was seen in a block and is not credit yet."""


class ReadPurchases:
    """Views of what was bought."""

    def __init__(self, sessions: sessionmaker[Session], shop: Callable[[], Shop]) -> None:
        self._sessions = sessions
        self.shop = shop
        """Raises DeploymentMissing where nothing was deployed."""

    def prepaid(self, wallet: Wallet) -> NanoUsd:
        """Return what the wallet's account has of prepaid credit that is not held."""
        with self._sessions.begin() as session:
            account_id = access.account_of(session, wallet)
            if account_id is None:
                return NOTHING
            found = ledger.buckets(session, account_id, now=service_time(session))
        return NanoUsd(sum(each.available for each in found if each.source is Source.PREPAID))

    def of_wallet(self, wallet: Wallet) -> list[TopUp]:
        """Return a wallet's top-ups, newest first."""
        with self._one_moment() as session:
            account_id = access.account_of(session, wallet)
            pending = purchases.pending_of_wallet(session, wallet)
            credited = [] if account_id is None else purchases.credited(session, account_id)
        return [
            *(TopUp(each.transaction_hash, nano_usd_of(each.usdc), NOTHING, None) for each in pending),
            *(TopUp(each.transaction_hash, each.amount, each.refunded, each.settled_at) for each in credited),
        ]

    def of_transaction(self, transaction_hash: str) -> tuple[NanoUsd, NanoUsd]:
        """Return what a transaction's top-ups became, and what they are still to become."""
        with self._one_moment() as session:
            credited = purchases.credited_by_transaction(session, transaction_hash)
            pending = purchases.pending_of_transaction(session, transaction_hash)
        return credited, NanoUsd(sum(nano_usd_of(each.usdc) for each in pending))

    @contextmanager
    def _one_moment(self) -> Generator[Session]:
        """Read as of one moment: between two a top-up may become credit, and be told twice or not at all."""
        with self._sessions() as session, session.begin():
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
