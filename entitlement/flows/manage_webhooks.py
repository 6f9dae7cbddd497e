"""Where an account's owner is told that credit runs low: set, seen and deleted."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import InvalidRequest
from entitlement.core.webhooks import check_url, signing_secret
from entitlement.outgoing.post import NotAllowedThere
from entitlement.store import access, outbox
from entitlement.store.clock import service_time
from entitlement.store.outbox import Delivery, Webhook


class Looker(Protocol):
    """Whoever knows where names lead."""

    def check(self, url: str) -> None:
        """Look a name up. Raises NotAllowedThere."""
        ...


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A webhook, with the secret that signs what it gets; shown this once."""

    webhook: Webhook
    secret: str


class ManageWebhooks:
    """What an account's owner does with its webhook; an account has one, or none."""

    def __init__(
        self, sessions: sessionmaker[Session], looker: Looker, secret: SecretStr, *, is_devnet: bool
    ) -> None:
        self._sessions = sessions
        self._looker = looker
        self._secret = secret.get_secret_value()
        self._is_devnet = is_devnet

    def put(self, account_id: int, url: str) -> MadeWebhook:
        """Set the account's webhook, in the place of the one it had. Raises InvalidRequest."""
        check_url(url, is_devnet=self._is_devnet)
        try:
            self._looker.check(url)
        except NotAllowedThere as error:
            raise InvalidRequest(f"the webhook's address cannot be used: {error}", field="url") from error
        webhook_id = f"wh_{secrets.token_hex(12)}"
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            outbox.put_webhook(session, account_id, webhook_id, url, service_time(session))
            webhook = outbox.webhook_of(session, account_id)
        assert webhook is not None
        return MadeWebhook(webhook, signing_secret(self._secret, webhook_id))

    def read(self, account_id: int) -> tuple[Webhook | None, list[Delivery]]:
        """Return the account's webhook, and its newest deliveries with what came of them."""
        with self._sessions.begin() as session:
            return outbox.webhook_of(session, account_id), outbox.deliveries(session, account_id)

    def delete(self, account_id: int) -> None:
        """Forget the account's webhook; repeating it changes nothing."""
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            outbox.delete_webhook(session, account_id, service_time(session))
