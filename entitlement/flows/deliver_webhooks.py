"""Deliver webhooks: what the outbox holds goes to where its account's owner wants it, at least once.

    claim: count a try, keep others off  -> COMMIT
    send                                    no transaction waits for somebody else's server
    settle: taken, or when to try again  -> COMMIT

A process that dies while it sends has used up a try; what it had claimed is tried again. A receiver may so
have one event twice, and knows it by its id.
"""

import json
from collections.abc import Sequence
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import ends_at
from entitlement.core.webhooks import SIGNATURE_HEADER, retry_after, sign, signing_secret
from entitlement.outgoing.post import Message, Outcome
from entitlement.store import outbox
from entitlement.store.clock import service_time
from entitlement.store.outbox import Claimed

DELIVERIES_PER_RUN = 200
CLAIM_SECONDS = 300
"""Longer than a run can take: ten seconds for each twenty of them."""
EVENT_HEADER = "Entitlement-Event"


class Sender(Protocol):
    """Whoever carries messages."""

    def send_all(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send; return what came of each, in the same order."""
        ...


class DeliverWebhooks:
    """The job that empties the outbox."""

    def __init__(self, sessions: sessionmaker[Session], sender: Sender, secret: SecretStr) -> None:
        self._sessions = sessions
        self._sender = sender
        self._secret = secret.get_secret_value()

    def deliver(self) -> int:
        """Try what is due, once each; return how many were taken."""
        with self._sessions.begin() as session:
            now = service_time(session)
            claimed = outbox.claim(session, now, until=now + CLAIM_SECONDS, limit=DELIVERIES_PER_RUN)
        if not claimed:
            return 0
        outcomes = self._sender.send_all([self._message(each, now) for each in claimed])
        with self._sessions.begin() as session:
            now = service_time(session)
            for each, outcome in zip(claimed, outcomes, strict=True):
                wait = None if outcome.is_taken else retry_after(each.delivery.tries)
                outbox.settle(
                    session,
                    each.delivery,
                    outcome=outcome.said,
                    due_at=None if wait is None else now + wait,
                    delivered_at=now if outcome.is_taken else None,
                )
        return sum(outcome.is_taken for outcome in outcomes)

    def _message(self, claimed: Claimed, now: int) -> Message:
        event = claimed.delivery
        body = json.dumps(
            {
                "id": event.event_id,
                "type": event.kind,
                "created_at": event.created_at,
                "wallet": claimed.wallet,
                "epoch": event.epoch,
                "available": event.available,
                "granted": event.granted,
                "resets_at": ends_at(event.epoch),
            }
        ).encode()
        secret = signing_secret(self._secret, claimed.webhook.id)
        headers = {SIGNATURE_HEADER: sign(secret, body, now), EVENT_HEADER: event.event_id}
        return Message(claimed.webhook.url, body, headers)
