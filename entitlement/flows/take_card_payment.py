"""Take card payments: a signed event of the provider becomes a paid month, once."""

from enum import StrEnum

from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.card_payments import check_signature, read_event
from entitlement.core.membership import NO_TERMS, Provider
from entitlement.store import access, memberships
from entitlement.store.clock import service_time


class Effect(StrEnum):
    """What an event did."""

    PAID = "paid"
    REPEATED = "repeated"
    IGNORED = "ignored"
    """It is about nothing of ours."""


class TakeCardPayment:
    """Each event is one transaction; the month's credit is granted by `GrantPurchases`, when it begins."""

    def __init__(self, sessions: sessionmaker[Session], secret: SecretStr) -> None:
        self._sessions = sessions
        self._secret = secret.get_secret_value().encode()

    def take(self, signature: str, body: bytes) -> Effect:
        """Believe an event by its signature, and do what it says.

        Raises NotAuthenticated, and InvalidRequest for one that is signed and cannot be understood: the
        provider shows it as failed, and sends it again.
        """
        with self._sessions.begin() as session:
            now = service_time(session)
            check_signature(self._secret, signature, body, now)
            event = read_event(body)
            if event.paid is None:
                return Effect.IGNORED
            if not memberships.take_card_event(session, event.id, now):
                return Effect.REPEATED
            wallet, month = event.paid
            account_id = access.open_account(session, wallet, now)
            access.lock_account(session, account_id)
            credit = memberships.terms(session).get(month.tier, NO_TERMS).credit
            memberships.add_months(session, account_id, Provider.CARD, [month], credit=credit)
            return Effect.PAID
