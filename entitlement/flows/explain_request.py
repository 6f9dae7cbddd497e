"""Explain a request: whether it got credit or why not, the journal's lines about it, what was kept of it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import UnknownRequest
from entitlement.core.holds import LONGEST_REQUEST_ID
from entitlement.core.keys import hash_secret
from entitlement.core.usage import UsageRecord
from entitlement.store import access, explain, usage
from entitlement.store.clock import service_time
from entitlement.store.explain import AskedFor, JournalLine

RECORDS_MAX = 100
EPOCHS_LOOKED_BACK = 7
"""A request that a lease paid for has no hold of its own: it is looked for in so many days."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of one request at one gateway."""

    asked: AskedFor | None
    """None where a lease paid for it."""
    journal: tuple[JournalLine, ...]
    usage: tuple[UsageRecord, ...]


class ExplainRequest:
    """Answers an account's owner, one of its keys, or the gateway whose request it was."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def explain(self, account_id: int, request_id: str, *, key_id: str | None = None) -> list[Explanation]:
        """Return what is known of a gateway's request id; several gateways may have used one.

        What leases paid for is looked for where no hold has it: that reads the days' usage. Raises
        UnknownRequest.
        """
        _check(request_id)
        with self._sessions.begin() as session:
            found = [
                _of_hold(session, account_id, asked)
                for asked in explain.asked_for(session, account_id, request_id, key_id=key_id)
            ]
            if not found:
                found = self._paid_by_leases(session, account_id, request_id, key_id)
        if not found:
            raise UnknownRequest(request_id=request_id)
        return found

    def explain_to_gateway(
        self, gateway_id: int, request_id: str, *, secret: str | None = None
    ) -> list[Explanation]:
        """Return what is known of a gateway's own request; another gateway's is none to it.

        What a lease paid for is found by the `secret` of the key that the lease is of, since usage is kept by
        accounts. Raises UnknownRequest.
        """
        _check(request_id)
        with self._sessions.begin() as session:
            by_hold = explain.asked_by(session, gateway_id, request_id)
            found = [] if by_hold is None else [_of_hold(session, by_hold[1], by_hold[0])]
            if not found and secret is not None:
                key = access.key_by_hash(session, hash_secret(secret))
                if key is not None:
                    found = self._paid_by_leases(
                        session, key.account_id, request_id, key.id, gateway_id=gateway_id
                    )
        if not found:
            raise UnknownRequest(request_id=request_id)
        return found

    @staticmethod
    def _paid_by_leases(
        session: Session,
        account_id: int,
        request_id: str,
        key_id: str | None,
        *,
        gateway_id: int | None = None,
    ) -> list[Explanation]:
        today = epoch_at(service_time(session))
        records = usage.of_request(
            session,
            account_id,
            request_id,
            key_id=key_id,
            gateway_id=gateway_id,
            first=Epoch(today - EPOCHS_LOOKED_BACK),
            after_last=Epoch(today + 1),
            limit=RECORDS_MAX,
        )
        return [Explanation(None, (), (record,)) for record in records]


def _check(request_id: str) -> None:
    """Raise UnknownRequest for what no request can be called."""
    if not (0 < len(request_id) <= LONGEST_REQUEST_ID and request_id.isprintable()):
        raise UnknownRequest(request_id=request_id)


def _of_hold(session: Session, account_id: int, asked: AskedFor) -> Explanation:
    return Explanation(
        asked,
        tuple(explain.journal_of(session, account_id, asked)),
        tuple(usage.of_hold(session, asked.hold_id, asked.epoch, limit=RECORDS_MAX)),
    )
