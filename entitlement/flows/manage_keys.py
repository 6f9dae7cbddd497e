"""API keys of an account: make, list, revoke, look up."""

import secrets
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.balance import Balance
from entitlement.core.errors import TooManyKeys, UnknownApiKeyId, UnknownKey
from entitlement.core.keys import MOST_KEYS_OF_AN_ACCOUNT, SECRET_PREFIX, ApiKey, NewKey, hash_secret
from entitlement.flows.grant_allowances import grant_up_to_allowance
from entitlement.flows.read_balance import read_balance
from entitlement.flows.spend_credit import give_back_due
from entitlement.store import access
from entitlement.store.clock import service_time

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with its secret, which is shown this once."""

    key: ApiKey
    secret: str


class ManageKeys:
    """What an account's owner does with its keys."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def create(self, account_id: int, wish: NewKey) -> MadeKey:
        """Make a key. Raises InvalidRequest, InvalidAmount, TooManyKeys."""
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        key_id = f"key_{secrets.token_hex(12)}"
        with self._sessions.begin() as session:
            access.lock_account(session, account_id)
            now = service_time(session)
            wish.check(now)
            if access.count_keys(session, account_id) >= MOST_KEYS_OF_AN_ACCOUNT:
                raise TooManyKeys(largest=MOST_KEYS_OF_AN_ACCOUNT)
            access.add_key(
                session,
                key_id=key_id,
                account_id=account_id,
                secret_hash=hash_secret(secret),
                last_six=secret[-6:],
                wish=wish,
                now=now,
            )
            key = access.key_of_account(session, account_id, key_id)
        assert key is not None
        return MadeKey(key, secret)

    def list(self, account_id: int) -> list[ApiKey]:
        """Return the account's keys that are not revoked."""
        with self._sessions.begin() as session:
            return access.keys_of_account(session, account_id)

    def read(self, account_id: int, key_id: str) -> ApiKey:
        """Return one of the account's keys. Raises UnknownApiKeyId."""
        with self._sessions.begin() as session:
            return self._known(session, account_id, key_id)

    def revoke(self, account_id: int, key_id: str) -> ApiKey:
        """Refuse a key from now on; repeating it changes nothing. Raises UnknownApiKeyId."""
        with self._sessions.begin() as session:
            self._known(session, account_id, key_id)
            # Under the account's lock: a hold either was made before this, or sees it.
            access.lock_account(session, account_id)
            access.revoke_key(session, key_id, service_time(session))
            return self._known(session, account_id, key_id)

    def authenticate(self, secret: str) -> ApiKey:
        """Return a usable key by its secret. Raises UnknownKey, KeyExpired, KeyRevoked."""
        with self._sessions.begin() as session:
            key = access.key_by_hash(session, hash_secret(secret))
            now = service_time(session)
        if key is None:
            raise UnknownKey
        key.check_usable(now)
        return key

    def introspect(self, secret: str) -> tuple[ApiKey, Balance]:
        """Return a usable key by its secret, and its account's balance.

        The account is touched by this: holds that ran out are given back, and its allowance of the day is
        granted if it was not yet. Raises UnknownKey, KeyExpired, KeyRevoked.
        """
        with self._sessions.begin() as session:
            key = access.key_by_hash(session, hash_secret(secret))
            if key is None:
                raise UnknownKey
            access.lock_account(session, key.account_id)
            now = service_time(session)
            key.check_usable(now)
            give_back_due(session, [key.account_id])
            grant_up_to_allowance(session, key.account_id, key.wallet, now)
            return key, read_balance(session, key.account_id, now)

    @staticmethod
    def _known(session: Session, account_id: int, key_id: str) -> ApiKey:
        # PostgreSQL's text cannot even be asked for some characters; none of them is in an id of ours.
        key = access.key_of_account(session, account_id, key_id) if key_id.isprintable() else None
        if key is None:
            raise UnknownApiKeyId(key_id=key_id)
        return key
